package io.kontiki.chaos.mutation;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/** Compiles changed sources in memory, against everything else as it is. */
final class MutantCompiler {
  private final SourceTree sources;
  private final JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();

  /** One for all mutants: it keeps what it has read of the class path. */
  private final StandardJavaFileManager files =
      compiler.getStandardFileManager(null, Locale.ROOT, StandardCharsets.UTF_8);

  MutantCompiler(SourceTree sources) {
    this.sources = sources;
  }

  /** The classes of a mutant by name. */
  Map<String, byte[]> compile(Guard guard) {
    Map<String, String> changed = new TreeMap<>();
    for (Guard.Edit edit : guard.edits()) {
      String source = changed.getOrDefault(edit.className(), sources.read(edit.className()));
      changed.put(edit.className(), SourceTree.edit(source, edit));
    }
    List<JavaFileObject> units = new ArrayList<>();
    changed.forEach((name, text) -> units.add(new Source(name, text)));
    return changed.isEmpty() ? Map.of() : compile(guard.name(), units);
  }

  private Map<String, byte[]> compile(String name, List<JavaFileObject> units) {
    DiagnosticCollector<JavaFileObject> told = new DiagnosticCollector<>();
    Outputs outputs = new Outputs(files);
    List<String> options = List.of("-proc:none", "-cp", System.getProperty("java.class.path"));
    if (!compiler.getTask(null, outputs, told, options, null, units).call()) {
      throw new IllegalArgumentException(name + " does not compile: " + errors(told));
    }
    Map<String, byte[]> classes = new TreeMap<>();
    outputs.classes.forEach((className, file) -> classes.put(className, file.bytes()));
    return classes;
  }

  private static List<String> errors(DiagnosticCollector<JavaFileObject> told) {
    return told.getDiagnostics().stream()
        .filter(one -> one.getKind() == Diagnostic.Kind.ERROR)
        .map(Object::toString)
        .toList();
  }

  private static final class Source extends SimpleJavaFileObject {
    private final String text;

    Source(String className, String text) {
      super(URI.create("mutant:///" + className.replace('.', '/') + ".java"), Kind.SOURCE);
      this.text = text;
    }

    @Override
    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
      return text;
    }
  }

  private static final class ClassFile extends SimpleJavaFileObject {
    private final ByteArrayOutputStream content = new ByteArrayOutputStream();

    ClassFile(String className) {
      super(URI.create("mutant:///" + className.replace('.', '/') + ".class"), Kind.CLASS);
    }

    @Override
    public OutputStream openOutputStream() {
      return content;
    }

    byte[] bytes() {
      return content.toByteArray();
    }
  }

  private static final class Outputs extends ForwardingJavaFileManager<JavaFileManager> {
    private final Map<String, ClassFile> classes = new TreeMap<>();

    Outputs(JavaFileManager files) {
      super(files);
    }

    @Override
    public JavaFileObject getJavaFileForOutput(
        Location location, String className, JavaFileObject.Kind kind, FileObject sibling) {
      return classes.computeIfAbsent(className, ClassFile::new);
    }
  }
}
