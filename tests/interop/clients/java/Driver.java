// kafka-clients. See ../scenario.py.
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.*;

public final class Driver {
    private static final int SKIPPED = 77;
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final List<String> CODECS = List.of("gzip", "snappy", "lz4", "zstd");
    private static final boolean NEW_GROUPS = "consumer".equals(System.getenv("GROUP_PROTOCOL"));

    private record Entry(byte[] key, byte[] value, List<Map.Entry<String, byte[]>> headers) {
        @Override public String toString() {
            return "key " + text(key) + ", value " + text(value) + ", " + headers.size() + " headers";
        }
        private static String text(byte[] bytes) {
            return bytes == null ? "null" : new String(bytes, 0, Math.min(bytes.length, 60), StandardCharsets.UTF_8);
        }
        boolean same(Entry other) {
            boolean equal = Arrays.equals(key, other.key) && Arrays.equals(value, other.value) && headers.size() == other.headers.size();
            for (int i = 0; equal && i < headers.size(); i++)
                equal = headers.get(i).getKey().equals(other.headers.get(i).getKey())
                        && Arrays.equals(headers.get(i).getValue(), other.headers.get(i).getValue());
            return equal;
        }
    }

    private static byte[] bytes(String text) { return text.getBytes(StandardCharsets.UTF_8); }

    private static byte[] valueOf(int number, int size) {
        String text = "record " + number + " of the scenario;";
        return bytes(text.repeat(size / text.length() + 1).substring(0, size));
    }

    private static Map.Entry<String, byte[]> header(String key, byte[] value) { return new AbstractMap.SimpleEntry<>(key, value); }

    private static List<Entry> recordsOf(String scenario) {
        List<Entry> out = new ArrayList<>();
        switch (scenario) {
            case "large":
                for (int i = 0; i < 10; i++) out.add(new Entry(bytes("k" + i), valueOf(i, 900_000), List.of()));
                break;
            case "headers":
                for (int i = 0; i < 100; i++)
                    out.add(new Entry(bytes("k" + i), valueOf(i, 50), List.of(header("trace", bytes("" + i)), header("empty", new byte[0]),
                            header("null", null), header("trace", bytes("again")))));
                break;
            case "nulls":
                for (int i = 0; i < 25; i++) {
                    out.add(new Entry(null, bytes("value"), List.of()));
                    out.add(new Entry(bytes("key"), null, List.of()));
                    out.add(new Entry(new byte[0], new byte[0], List.of()));
                    out.add(new Entry(null, null, List.of()));
                }
                break;
            default:
                for (int i = 0; i < 500; i++) out.add(new Entry(bytes("k" + i), valueOf(i, i * 37 % 2000 + 1), List.of()));
        }
        return out;
    }

    private static void expect(String what, Object seen, Object wanted) {
        if (!Objects.equals(seen, wanted)) throw new AssertionError(what + ": " + seen + ", expected " + wanted);
    }

    private static void expectRecords(List<Entry> seen, List<Entry> wanted) {
        expect("count of records", seen.size(), wanted.size());
        for (int i = 0; i < seen.size(); i++)
            if (!seen.get(i).same(wanted.get(i)))
                throw new AssertionError("record " + i + ": " + seen.get(i) + ", expected " + wanted.get(i));
    }

    private static void waitFor(String what, BooleanSupplier happens) {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!happens.getAsBoolean())
            if (System.nanoTime() > end) throw new AssertionError(what + " did not happen within " + PATIENCE);
    }

    private static KafkaConsumer<byte[], byte[]> consumer(String bootstrap, String group, String... more) {
        Map<String, Object> settings = new HashMap<>(Map.of("bootstrap.servers", bootstrap, "auto.offset.reset", "earliest",
                "enable.auto.commit", "false", "metadata.max.age.ms", "1000"));
        if (group != null) {
            settings.put("group.id", group);
            if (NEW_GROUPS) settings.put("group.protocol", "consumer");
            else settings.putAll(Map.of("session.timeout.ms", "6000", "heartbeat.interval.ms", "500"));
        }
        for (int i = 0; i < more.length; i += 2) settings.put(more[i], more[i + 1]);
        return new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    private static Entry entry(ConsumerRecord<byte[], byte[]> record) {
        List<Map.Entry<String, byte[]>> headers = new ArrayList<>();
        record.headers().forEach(one -> headers.add(header(one.key(), one.value())));
        return new Entry(record.key(), record.value(), headers);
    }

    private static List<Entry> readAll(String bootstrap, String topic, int count, String... more) {
        try (KafkaConsumer<byte[], byte[]> reader = consumer(bootstrap, null, more)) {
            TopicPartition partition = new TopicPartition(topic, 0);
            reader.assign(List.of(partition));
            reader.seekToBeginning(List.of(partition));
            List<Entry> seen = new ArrayList<>();
            waitFor(count + " records", () -> {
                reader.poll(Duration.ofMillis(200)).forEach(one -> seen.add(entry(one)));
                return seen.size() >= count;
            });
            reader.poll(Duration.ofMillis(500)).forEach(one -> seen.add(entry(one)));
            return seen;
        }
    }

    private static KafkaProducer<byte[], byte[]> producer(String bootstrap, String... more) {
        Map<String, Object> settings = new HashMap<>(Map.of("bootstrap.servers", bootstrap, "linger.ms", "5", "max.request.size", "2000000"));
        for (int i = 0; i < more.length; i += 2) settings.put(more[i], more[i + 1]);
        return new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
    }

    private static void send(KafkaProducer<byte[], byte[]> writer, String topic, List<Entry> records) throws Exception {
        List<java.util.concurrent.Future<RecordMetadata>> sent = new ArrayList<>();
        for (Entry one : records) {
            ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(topic, 0, one.key, one.value);
            one.headers.forEach(header -> record.headers().add(header.getKey(), header.getValue()));
            sent.add(writer.send(record));
        }
        for (var one : sent) one.get(60, TimeUnit.SECONDS);
    }

    private static void passThrough(String name, String bootstrap, String topic) throws Exception {
        List<String> settings = new ArrayList<>();
        if (CODECS.contains(name)) settings.addAll(List.of("compression.type", name));
        settings.addAll(List.of("enable.idempotence", String.valueOf(name.equals("idempotent"))));
        if (!name.equals("idempotent")) // without sequences a retry can overtake what is in flight
            settings.addAll(List.of("acks", name.equals("acks0") ? "0" : "1", "max.in.flight.requests.per.connection", "1"));
        List<Entry> records = recordsOf(name);
        try (var writer = producer(bootstrap, settings.toArray(new String[0]))) {
            send(writer, topic, records);
        }
        expectRecords(readAll(bootstrap, topic, records.size()), records);
    }

    private static List<Entry> text(String name) {
        List<Entry> out = new ArrayList<>();
        for (int i = 0; i < 50; i++) out.add(new Entry(bytes("k"), bytes(name + " " + i), List.of()));
        return out;
    }

    private static void transactions(String bootstrap, String topic) throws Exception {
        List<Entry> kept = new ArrayList<>(), all = new ArrayList<>();
        try (var writer = producer(bootstrap, "transactional.id", topic + "-writer");
             var reader = consumer(bootstrap, topic + "-group", "isolation.level", "read_committed")) {
            writer.initTransactions();
            for (String name : List.of("first", "aborted", "last")) {
                writer.beginTransaction();
                send(writer, topic, text(name));
                all.addAll(text(name));
                if (name.equals("aborted")) {
                    writer.abortTransaction();
                } else {
                    kept.addAll(text(name));
                    writer.commitTransaction();
                }
            }
            expectRecords(readAll(bootstrap, topic, 100, "isolation.level", "read_committed"), kept);
            expectRecords(readAll(bootstrap, topic, 150, "isolation.level", "read_uncommitted"), all);
            reader.subscribe(List.of(topic));
            waitFor("an assignment", () -> { reader.poll(Duration.ofMillis(100)); return !reader.assignment().isEmpty(); });
            TopicPartition partition = new TopicPartition(topic, 0);
            for (long offset : new long[] {40, 90}) {
                writer.beginTransaction();
                writer.sendOffsetsToTransaction(Map.of(partition, new OffsetAndMetadata(offset)), reader.groupMetadata());
                if (offset == 40) writer.commitTransaction(); else writer.abortTransaction();
                expect("committed offset", reader.committed(Set.of(partition)).get(partition).offset(), 40L);
            }
        }
        try (var one = producer(bootstrap, "transactional.id", topic + "-fenced"); var other = producer(bootstrap, "transactional.id", topic + "-fenced")) {
            one.initTransactions();
            other.initTransactions();
            try {
                one.beginTransaction();
                send(one, topic, text("late"));
                one.commitTransaction();
                throw new AssertionError("a fenced producer has committed");
            } catch (Exception expected) {
                String all_of_it = expected.toString() + expected.getCause();
                if (!all_of_it.contains("Fenced") && !all_of_it.contains("InvalidProducerEpoch") && !all_of_it.contains("newer producer")) throw expected;
            }
        }
    }

    private static void member(String bootstrap, String topic) {
        var one = consumer(bootstrap, topic + "-group");
        Thread polling = Thread.currentThread();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            one.wakeup();
            try { polling.join(5000); } catch (InterruptedException ignored) { Thread.currentThread().interrupt(); }
        }));
        one.subscribe(List.of(topic));
        try {
            while (true) one.poll(Duration.ofMillis(200));
        } catch (org.apache.kafka.common.errors.WakeupException stopped) {
            one.close();
        }
    }

    private static Process another(String bootstrap, String topic) throws Exception {
        return new ProcessBuilder(ProcessHandle.current().info().command().orElse("java"), "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp",
                System.getProperty("java.class.path"), "Driver", "member", bootstrap, topic).inheritIO().start();
    }

    private static void group(String bootstrap, String topic) throws Exception {
        TopicPartition partition = new TopicPartition(topic, 0);
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
            admin.createTopics(List.of(new NewTopic(topic, 4, (short) 1))).all().get();
            try (var writer = producer(bootstrap)) { send(writer, topic, recordsOf("plain")); }
            try (var first = consumer(bootstrap, topic + "-group")) {
                Set<String> seen = new HashSet<>();
                first.subscribe(List.of(topic));
                java.util.function.IntPredicate has = count -> {
                    first.poll(Duration.ofMillis(200)).forEach(one -> seen.add(one.partition() + "/" + one.offset()));
                    return first.assignment().size() == count;
                };
                waitFor("four partitions alone", () -> has.test(4));
                for (boolean crash : new boolean[] {true, false}) {
                    if (crash && NEW_GROUPS) continue; // its session is the broker's: 45 s
                    Process other = another(bootstrap, topic);
                    try {
                        waitFor("two partitions beside another", () -> has.test(2));
                        if (crash) other.destroyForcibly(); else other.destroy();
                        waitFor("four partitions after the other", () -> has.test(4));
                    } finally {
                        other.destroyForcibly();
                    }
                }
                waitFor("all records", () -> has.test(4) && seen.size() == 500);
                first.commitSync(Map.of(partition, new OffsetAndMetadata(321)));
            }
            try (var later = consumer(bootstrap, topic + "-group")) {
                later.subscribe(List.of(topic));
                List<Long> offsets = new ArrayList<>();
                waitFor("a record", () -> {
                    later.poll(Duration.ofMillis(200)).forEach(one -> offsets.add(one.offset()));
                    return !offsets.isEmpty();
                });
                expect("first offset after the committed one", offsets.get(0), 321L);
            }
            boolean listed = false;
            for (var one : admin.listConsumerGroups().all().get()) listed |= one.groupId().equals(topic + "-group");
            expect("the group is listed", listed, true);
            expect("members", admin.describeConsumerGroups(List.of(topic + "-group")).all().get().get(topic + "-group").members().size(), 0);
            admin.deleteConsumerGroups(List.of(topic + "-group")).all().get();
        }
    }

    private static Set<String> topicsOf(Admin admin) {
        try {
            return admin.listTopics().names().get();
        } catch (Exception failure) {
            throw new AssertionError(failure);
        }
    }

    private static String limitOf(Admin admin, ConfigResource topic) {
        try {
            return admin.describeConfigs(List.of(topic)).all().get().get(topic).get("max.message.bytes").value();
        } catch (Exception failure) {
            throw new AssertionError(failure);
        }
    }

    private static void admin(String bootstrap, String topic) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
            admin.createTopics(List.of(new NewTopic(topic, 3, (short) 1).configs(Map.of("max.message.bytes", "5000")))).all().get();
            waitFor("the topic is listed", () -> topicsOf(admin).contains(topic)); // another broker may answer, and know it a little later
            expect("partitions", admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size(), 3);
            ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
            expect("setting", limitOf(admin, resource), "5000");
            admin.incrementalAlterConfigs(Map.of(resource, List.of(new AlterConfigOp(new ConfigEntry("max.message.bytes", "6000"), AlterConfigOp.OpType.SET)))).all().get();
            waitFor("the new setting", () -> limitOf(admin, resource).equals("6000"));
            admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(5))).all().get();
            expect("nodes", admin.describeCluster().nodes().get().size(), Integer.parseInt(System.getenv().getOrDefault("NODES", "1")));
            try (var writer = producer(bootstrap)) { send(writer, topic, text("some")); }
            TopicPartition partition = new TopicPartition(topic, 0);
            expect("end", admin.listOffsets(Map.of(partition, OffsetSpec.latest())).all().get().get(partition).offset(), 50L);
            admin.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(20))).all().get();
            expect("start", admin.listOffsets(Map.of(partition, OffsetSpec.earliest())).all().get().get(partition).offset(), 20L);
            admin.deleteTopics(List.of(topic)).all().get();
            waitFor("the end of the topic", () -> !topicsOf(admin).contains(topic));
        }
    }

    /** Writes numbered values one by one, each acknowledged, until the file ENOUGH exists: meanwhile leaders change and brokers stop. */
    private static void failover(String bootstrap, String topic) throws Exception {
        var enough = new java.io.File(System.getenv("ENOUGH"));
        List<String> seen = new ArrayList<>();
        List<String> sent = new ArrayList<>();
        try (var writer = producer(bootstrap, "metadata.max.age.ms", "1000"); var reader = consumer(bootstrap, null)) {
            reader.assign(List.of(new TopicPartition(topic, 0)));
            reader.seekToBeginning(reader.assignment());
            Runnable poll = () -> reader.poll(Duration.ofMillis(20)).forEach(one -> seen.add(new String(one.value(), StandardCharsets.UTF_8)));
            while (sent.size() < 50 || !enough.exists()) {
                sent.add("" + sent.size());
                writer.send(new ProducerRecord<>(topic, 0, null, bytes(sent.get(sent.size() - 1)))).get(60, TimeUnit.SECONDS);
                poll.run();
            }
            waitFor("all records", () -> { poll.run(); return seen.size() >= sent.size(); });
        }
        expect("values", seen, sent);
    }

    public static void main(String[] arguments) {
        String scenario = arguments[0], bootstrap = arguments[1], topic = arguments[2];
        try {
            switch (scenario) {
                case "plain", "acks0", "gzip", "snappy", "lz4", "zstd", "headers", "nulls", "large", "idempotent" -> passThrough(scenario, bootstrap, topic);
                case "transactions" -> transactions(bootstrap, topic);
                case "group" -> group(bootstrap, topic);
                case "member" -> member(bootstrap, topic);
                case "failover" -> failover(bootstrap, topic);
                case "admin" -> admin(bootstrap, topic);
                default -> System.exit(SKIPPED);
            }
            System.exit(0);
        } catch (Throwable failure) {
            failure.printStackTrace();
            System.exit(1);
        }
    }
}
