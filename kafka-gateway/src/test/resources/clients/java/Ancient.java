import java.io.File;
import java.util.*;
import java.util.concurrent.*;
import kafka.api.FetchRequestBuilder;
import kafka.api.PartitionOffsetRequestInfo;
import kafka.cluster.Broker;
import kafka.common.ErrorMapping;
import kafka.common.TopicAndPartition;
import kafka.javaapi.*;
import kafka.javaapi.consumer.SimpleConsumer;
import kafka.message.MessageAndOffset;
import kafka.producer.KeyedMessage;
import org.apache.kafka.clients.producer.*;

/** Kafka 0.8.2: its Java producer, the Scala producer before it, and the simple consumer, which looks for leaders itself. */
public final class Ancient {
  private static final String[] CODECS = {"none", "gzip", "snappy"};

  public static void main(String[] args) throws Exception {
    Thread.setDefaultUncaughtExceptionHandler(
        (thread, e) -> {
          e.printStackTrace(System.out);
          Runtime.getRuntime().halt(1); // whatever else runs
        });
    String topic = args[1];
    List<KafkaProducer<byte[], byte[]>> producers = new ArrayList<>();
    for (String codec : CODECS) {
      Properties producing = new Properties();
      producing.put("bootstrap.servers", args[0]);
      producing.put("compression.type", codec);
      producing.put("acks", "all");
      producing.put("retries", "100");
      producing.put("retry.backoff.ms", "200");
      producing.put("key.serializer", "org.apache.kafka.common.serialization.ByteArraySerializer");
      producing.put("value.serializer", "org.apache.kafka.common.serialization.ByteArraySerializer");
      producers.add(new KafkaProducer<byte[], byte[]>(producing));
    }
    Properties producing = new Properties();
    producing.put("metadata.broker.list", args[0]);
    producing.put("request.required.acks", "-1");
    producing.put("message.send.max.retries", "100");
    producing.put("retry.backoff.ms", "200");
    producing.put("partitioner.class", "kafka.producer.ByteArrayPartitioner");
    kafka.javaapi.producer.Producer<byte[], byte[]> before = new kafka.javaapi.producer.Producer<>(new kafka.producer.ProducerConfig(producing));
    List<Future<RecordMetadata>> sent = new ArrayList<>();
    int n = 0;
    int more = 200;
    while (more > 0) {
      byte[] bytes = String.valueOf(n).getBytes("UTF-8");
      if (n % 4 == 3) {
        before.send(new KeyedMessage<>(topic, bytes, bytes));
      } else {
        sent.add(producers.get(n % 4).send(new ProducerRecord<>(topic, n % 3, bytes, bytes)));
      }
      n++;
      if (n == 300) {
        for (Future<RecordMetadata> one : sent) {
          one.get();
        }
        System.out.println("half");
      }
      if (n > 300) {
        Thread.sleep(10);
        more -= new File(args[2]).exists() ? 1 : 0;
      }
    }
    for (Future<RecordMetadata> one : sent) {
      one.get();
    }
    before.close();
    for (KafkaProducer<byte[], byte[]> one : producers) {
      one.close();
    }
    Set<Integer> seen = new TreeSet<>();
    for (int partition = 0; partition < 3; partition++) {
      read(args[0], topic, partition, seen);
    }
    if (seen.size() != n) {
      throw new AssertionError(seen.size() + " read of " + n);
    }
    System.out.println("passed");
  }

  private static void read(String bootstrap, String topic, int partition, Set<Integer> seen) throws Exception {
    Broker leader = leader(bootstrap, topic, partition);
    SimpleConsumer consumer = new SimpleConsumer(leader.host(), leader.port(), 30_000, 65536, "ancient");
    long end = offset(consumer, topic, partition, kafka.api.OffsetRequest.LatestTime());
    long offset = offset(consumer, topic, partition, kafka.api.OffsetRequest.EarliestTime());
    while (offset < end) {
      FetchResponse answer = consumer.fetch(new FetchRequestBuilder().clientId("ancient").addFetch(topic, partition, offset, 4096).build());
      if (answer.hasError()) {
        throw new AssertionError(ErrorMapping.exceptionFor(answer.errorCode(topic, partition)));
      }
      for (MessageAndOffset message : answer.messageSet(topic, partition)) {
        if (message.offset() >= offset) {
          byte[] bytes = new byte[message.message().payload().remaining()];
          message.message().payload().get(bytes);
          seen.add(Integer.valueOf(new String(bytes, "UTF-8")));
          offset = message.nextOffset();
        }
      }
    }
    consumer.close();
  }

  private static long offset(SimpleConsumer consumer, String topic, int partition, long time) {
    TopicAndPartition which = new TopicAndPartition(topic, partition);
    OffsetResponse answer = consumer.getOffsetsBefore(new OffsetRequest(Collections.singletonMap(which, new PartitionOffsetRequestInfo(time, 1)), kafka.api.OffsetRequest.CurrentVersion(), "ancient"));
    if (answer.hasError()) {
      throw new AssertionError(answer.errorCode(topic, partition));
    }
    return answer.offsets(topic, partition)[0];
  }

  private static Broker leader(String bootstrap, String topic, int partition) {
    for (String one : bootstrap.split(",")) {
      String[] at = one.split(":");
      SimpleConsumer consumer = new SimpleConsumer(at[0], Integer.parseInt(at[1]), 10_000, 65536, "ancient");
      try {
        for (PartitionMetadata found : consumer.send(new TopicMetadataRequest(Collections.singletonList(topic))).topicsMetadata().get(0).partitionsMetadata()) {
          if (found.partitionId() == partition && found.leader() != null) {
            return found.leader();
          }
        }
      } catch (Exception e) {
        System.out.println(one + ": " + e); // the one that was killed
      } finally {
        consumer.close();
      }
    }
    throw new AssertionError("no leader of " + partition);
  }
}
