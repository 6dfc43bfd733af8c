// Kafka Streams against a broker: a word count, which needs a repartition topic, a store and the topic of its changes.
// Usage: WordCount SCENARIO HOST:PORT TOPIC; the processing guarantee comes from the scenario's name.

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeSet;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.LongDeserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;

public class WordCount {
    static final int LINES = 2000;
    static final List<String> WORDS = List.of("one", "two", "three", "four", "five", "six", "seven");

    final String address;
    final String topic;
    final String guarantee;

    WordCount(String address, String topic, String guarantee) {
        this.address = address;
        this.topic = topic;
        this.guarantee = guarantee;
    }

    static void check(boolean holds, String what) {
        if (!holds) throw new AssertionError(what);
    }

    KafkaStreams started(Path state) {
        var builder = new StreamsBuilder();
        builder.<String, String>stream(topic)
            .flatMapValues(line -> Arrays.asList(line.split(" ")))
            .groupBy((key, word) -> word, Grouped.with(Serdes.String(), Serdes.String()))
            .count(Materialized.as("counts"))
            .toStream()
            .to(topic + "-out", Produced.with(Serdes.String(), Serdes.Long()));
        var settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, "app-" + topic);
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, address);
        settings.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        settings.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, guarantee);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, state.toString());
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 2);
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 200);
        settings.put("auto.offset.reset", "earliest");
        if (System.getenv("GROUP_PROTOCOL") != null) settings.put("group.protocol", System.getenv("GROUP_PROTOCOL"));
        var streams = new KafkaStreams(builder.build(), settings);
        streams.setUncaughtExceptionHandler(failure -> {
            failure.printStackTrace();
            return org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        streams.start();
        return streams;
    }

    void write(Map<String, Long> expected) {
        try (var producer = new KafkaProducer<>(Map.<String, Object>of("bootstrap.servers", address), new StringSerializer(), new StringSerializer())) {
            for (int line = 0; line < LINES; line++) {
                String first = WORDS.get(line % WORDS.size());
                String second = WORDS.get(line / 3 % WORDS.size());
                producer.send(new ProducerRecord<>(topic, "line " + line, first + " " + second));
                expected.merge(first, 1L, Long::sum);
                expected.merge(second, 1L, Long::sum);
            }
        }
    }

    /** Reads the results until they are what is expected; a count never goes back. */
    void read(Map<String, Long> expected, KafkaStreams streams) {
        var settings = Map.<String, Object>of("bootstrap.servers", address, "group.id", "reader-" + topic, "auto.offset.reset", "earliest",
            "isolation.level", guarantee.equals("at_least_once") ? "read_uncommitted" : "read_committed", "enable.auto.commit", "false");
        var found = new HashMap<String, Long>();
        long end = System.nanoTime() + Duration.ofSeconds(120).toNanos();
        try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new LongDeserializer())) {
            consumer.subscribe(List.of(topic + "-out"));
            while (!found.equals(expected)) {
                check(streams.state() != KafkaStreams.State.ERROR, "the application ended with an error");
                check(System.nanoTime() < end, "found " + found + " instead of " + expected);
                for (var record : consumer.poll(Duration.ofMillis(500))) {
                    Long before = found.put(record.key(), record.value());
                    check(before == null || before < record.value(), record.key() + " went from " + before + " to " + record.value());
                }
            }
        }
    }

    void countAndRead(Map<String, Long> expected) throws Exception {
        KafkaStreams streams = started(Files.createTempDirectory("streams"));
        try {
            read(expected, streams);
        } finally {
            // Without this option the members stay in the group until their sessions end.
            streams.close(new KafkaStreams.CloseOptions().leaveGroup(true).timeout(Duration.ofSeconds(30)));
        }
    }

    void run() throws Exception {
        var expected = new HashMap<String, Long>();
        try (var admin = Admin.create(Map.of("bootstrap.servers", (Object) address))) {
            admin.createTopics(List.of(new NewTopic(topic, 3, (short) 1), new NewTopic(topic + "-out", 2, (short) 1))).all().get();
            write(expected);
            countAndRead(expected);
            // Another machine goes on: its store is empty, and comes back from the topic of its changes.
            write(expected);
            countAndRead(expected);
            var topics = new TreeSet<String>();
            for (String name : admin.listTopics().names().get()) {
                if (name.contains(topic)) topics.add(name);
            }
            String own = "app-" + topic + "-counts-";
            check(topics.equals(new TreeSet<>(List.of(topic, topic + "-out", own + "changelog", own + "repartition"))), "topics " + topics);
            admin.deleteConsumerGroups(List.of("app-" + topic)).all().get();
        }
    }

    public static void main(String[] arguments) throws Exception {
        String guarantee = switch (arguments[0]) {
            case "at_least_once" -> StreamsConfig.AT_LEAST_ONCE;
            case "exactly_once" -> StreamsConfig.EXACTLY_ONCE_V2;
            default -> throw new IllegalArgumentException(arguments[0]);
        };
        new WordCount(arguments[1], arguments[2], guarantee).run();
        System.exit(0);
    }
}
