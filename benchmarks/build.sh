# Sourced by the scripts here: builds what they run, and defines exec_java.

mvn -B -q -DskipTests -pl benchmarks -am package >&2

exec_java() { # class and arguments
  local home=benchmarks/target
  java -Xms1g -Xmx1g -XX:+UseSerialGC ${BENCH_JVM_OPTS:-} -Dcom.google.protobuf.use_unsafe_pre22_gencode=true \
    -Dlogback.configurationFile=benchmarks/src/main/resources/logback-benchmarks.xml \
    -cp "$(echo "$home"/kontiki-benchmarks-*.jar):$(<"$home/benchmarks.classpath")" "$@"
}
