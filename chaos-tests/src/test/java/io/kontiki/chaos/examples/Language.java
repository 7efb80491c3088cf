package io.kontiki.chaos.examples;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** A language that the examples are written in: how its README prepares and starts them. */
enum Language {
  PYTHON("python3", "python") {
    @Override
    void prepare(ExampleTree tree) throws IOException, MissingException {
      Path home = tree.cache("python");
      Path python = home.resolve("venv/bin/python");
      Path wanted = folder(tree).resolve("requirements.txt");
      if (!tree.isInstalled(home, wanted)) {
        tree.install(List.of("python3", "-m", "venv", "--clear", home.resolve("venv").toString()));
        tree.install(
            List.of(
                python.toString(),
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--cache-dir",
                home.resolve("pip").toString(),
                "-r",
                wanted.toString()));
        tree.markInstalled(home, wanted);
      }
      tree.build(
          folder(tree),
          Map.of(),
          List.of(
              python.toString(),
              "-m",
              "grpc_tools.protoc",
              "-I",
              tree.protos().toString(),
              "--python_out=.",
              "--grpc_python_out=.",
              "kontiki/v1/log.proto"));
    }

    @Override
    List<String> command(ExampleTree tree, String program) {
      return List.of(
          tree.cache("python").resolve("venv/bin/python").toString(),
          folder(tree).resolve(program + ".py").toString());
    }
  },

  GO("go", "go") {
    private static final String MESSAGES = "google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12";
    private static final String CALLS = "google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2";

    @Override
    void prepare(ExampleTree tree) throws IOException, MissingException {
      Path home = tree.cache("go");
      Path bin = home.resolve("bin");
      Path wanted = folder(tree).resolve("go.sum");
      Map<String, String> environment = environment(home);
      if (!tree.isInstalled(home, wanted)) {
        tree.install(folder(tree), environment, List.of("go", "install", MESSAGES));
        tree.install(folder(tree), environment, List.of("go", "install", CALLS));
        tree.install(folder(tree), environment, List.of("go", "mod", "download"));
        tree.markInstalled(home, wanted);
      }
      Files.copy(
          tree.examples().resolve("service_config.json"),
          folder(tree).resolve("dial/service_config.json"));
      tree.build(
          folder(tree),
          environment,
          List.of(
              tree.protoc().toString(),
              "-I",
              tree.protos().toString(),
              "--plugin=" + bin.resolve("protoc-gen-go"),
              "--plugin=" + bin.resolve("protoc-gen-go-grpc"),
              "--go_out=.",
              "--go_opt=module=kontiki.io/go",
              "--go-grpc_out=.",
              "--go-grpc_opt=module=kontiki.io/go",
              "kontiki/v1/log.proto"));
      tree.build(
          folder(tree),
          environment,
          List.of("go", "build", "-o", bin + "/", "./produce", "./consume"));
    }

    /** Writable, or nobody could clean up. */
    private Map<String, String> environment(Path home) {
      return Map.of(
          "GOBIN", home.resolve("bin").toString(),
          "GOMODCACHE", home.resolve("modules").toString(),
          "GOCACHE", home.resolve("build").toString(),
          "GOFLAGS", "-modcacherw -buildvcs=false");
    }

    @Override
    List<String> command(ExampleTree tree, String program) {
      return List.of(tree.cache("go").resolve("bin").resolve(program).toString());
    }
  },

  NODE("npm", "node") {
    @Override
    void prepare(ExampleTree tree) throws IOException, MissingException {
      Path home = tree.cache("node");
      Path wanted = folder(tree).resolve("package-lock.json");
      if (!tree.isInstalled(home, wanted)) {
        for (String file : List.of("package.json", "package-lock.json")) {
          Files.deleteIfExists(home.resolve(file));
          Files.copy(folder(tree).resolve(file), home.resolve(file));
        }
        tree.install(
            home,
            Map.of("npm_config_cache", home.resolve("npm").toString()),
            List.of("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"));
        tree.markInstalled(home, wanted);
      }
      Files.createSymbolicLink(folder(tree).resolve("node_modules"), home.resolve("node_modules"));
    }

    @Override
    List<String> command(ExampleTree tree, String program) {
      return List.of("node", folder(tree).resolve(program + ".js").toString());
    }
  };

  /** A toolchain, or the registry that it needs, is not there. */
  static final class MissingException extends Exception {
    private static final long serialVersionUID = 1L;

    MissingException(String message) {
      super(message);
    }
  }

  private final String tool;
  private final String folder;

  Language(String tool, String folder) {
    this.tool = tool;
    this.folder = folder;
  }

  /** The program without which nothing goes. */
  String tool() {
    return tool;
  }

  /** Of its examples. */
  String folderName() {
    return folder;
  }

  Path folder(ExampleTree tree) {
    return tree.examples().resolve(folder);
  }

  /** Fetches what the examples need, unless that was done before, and generates their stubs. */
  abstract void prepare(ExampleTree tree) throws IOException, MissingException;

  /** How {@code produce} or {@code consume} is started; their arguments follow. */
  abstract List<String> command(ExampleTree tree, String program);
}
