package oracle;

import java.io.BufferedReader;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.stream.Stream;

/** README.md describes the options. */
public final class Main {
    private static final class Usage extends RuntimeException {
        Usage(String what) {
            super(what);
        }
    }

    private final Map<String, String> options = new HashMap<>();

    private Main(String[] arguments) {
        for (int i = 1; i < arguments.length; i += 2) {
            if (!arguments[i].startsWith("--") || i + 1 == arguments.length) throw new Usage("what is " + arguments[i] + "?");
            options.put(arguments[i].substring(2), arguments[i + 1]);
        }
    }

    public static void main(String[] arguments) throws Exception {
        boolean fine;
        try {
            Main main = new Main(arguments);
            fine = switch (arguments.length == 0 ? "" : arguments[0]) {
                case "messages" -> main.messages();
                case "records" -> main.records();
                case "splice" -> main.splice();
                case "rewrite" -> main.rewrite();
                case "split" -> main.split();
                case "transform" -> main.transform();
                case "golden" -> main.golden();
                default -> throw new Usage("messages, records, splice, rewrite, split, transform, or golden?");
            };
        } catch (Usage problem) {
            System.err.println(problem.getMessage());
            System.exit(2);
            return;
        }
        System.exit(fine ? 0 : 1);
    }

    private boolean messages() throws Exception {
        Findings findings = new Findings();
        return overMessages(findings, path("convert"), converter -> new MessageRun(converter, findings, (int) number("damages", 2))::value);
    }

    private boolean splice() throws Exception {
        Findings findings = new Findings();
        return overMessages(findings, path("edits"), editor -> new SpliceRun(editor, findings, spoil())::value);
    }

    private boolean rewrite() throws Exception {
        Findings findings = new Findings();
        Marks marks = new Marks(path("marked"));
        return overMessages(findings, path("edits"), editor -> new RewriteRun(editor, findings, spoil(), marks)::value);
    }

    private boolean split() throws Exception {
        Findings findings = new Findings();
        options.putIfAbsent("only", SplitRun.REQUESTS);
        return overMessages(findings, path("edits"), editor -> new SplitRun(editor, findings, spoil())::value);
    }

    private Spoil spoil() {
        return Spoil.valueOf(options.getOrDefault("spoil", "nothing").toUpperCase(Locale.ROOT));
    }

    /** Calls a run with random sources for `count` values, which are of all pairs in turn. */
    private boolean overMessages(Findings findings, Path program, Function<Converter, BiConsumer<MessageRun.Pair, Random>> runOf)
        throws Exception {
        long seed = number("seed", 1), count = number("count", 20_000);
        List<MessageRun.Pair> all = MessageRun.pairs(List.of(judge("newer"), judge("older")));
        System.out.printf("%d messages, %d pairs of message and version; seed %d%n", MessageRun.messages(all), all.size(), seed);
        if (all.size() != number("pairs", all.size())) {
            System.out.printf("there should be %s pairs%n", options.get("pairs"));
            return false;
        }
        List<MessageRun.Pair> pairs = MessageRun.matching(all, options.get("only"));
        if (pairs.isEmpty()) throw new Usage("no message is called that");
        long start = System.nanoTime();
        try (Converter converter = new Converter(program)) {
            BiConsumer<MessageRun.Pair, Random> run = runOf.apply(converter);
            long first = number("index", 0);
            for (long i = first; i < first + count; ++i)
                run.accept(pairs.get((int) (i % pairs.size())), MessageRun.randomOf(seed, i));
        }
        return done(findings, start);
    }

    private boolean records() throws Exception {
        long seed = number("seed", 1), count = number("count", 2_000);
        System.out.printf("record sets; seed %d%n", seed);
        RecordsJudge judge = (RecordsJudge) make("oracle.kafka.KafkaRecordsJudge", jarsOf(option("newer")));
        Findings findings = new Findings();
        RecordsRun run = new RecordsRun(judge, findings);
        long start = System.nanoTime();
        Process builder = new ProcessBuilder(option("build-sets"), Long.toString(seed), Long.toString(count))
            .redirectError(ProcessBuilder.Redirect.INHERIT).start();
        try (BufferedReader lines = builder.inputReader(StandardCharsets.UTF_8)) {
            for (String line; (line = lines.readLine()) != null;) run.built(line);
        }
        if (builder.waitFor() != 0) throw new IllegalStateException("build_sets failed");
        try (Converter converter = new Converter(path("convert"))) {
            for (long i = 0; i < count; ++i)
                run.made(converter, MessageRun.randomOf(seed, i), (int) number("damages", 2));
        }
        return done(findings, start);
    }

    private boolean transform() throws Exception {
        long seed = number("seed", 1), count = number("count", 3_000), first = number("index", 0);
        System.out.printf("record sets; seed %d%n", seed);
        RecordsJudge judge = (RecordsJudge) make("oracle.kafka.KafkaRecordsJudge", jarsOf(option("newer")));
        Findings findings = new Findings();
        long start = System.nanoTime();
        try (Converter editor = new Converter(path("edits"))) {
            TransformRun run = new TransformRun(judge, editor, findings, spoil());
            for (long i = first; i < first + count; ++i) run.set(MessageRun.randomOf(seed, i));
        }
        return done(findings, start);
    }

    private boolean golden() throws Exception {
        LinkedHashMap<String, Golden> releases = new LinkedHashMap<>();
        for (String role : List.of("newer", "older"))
            releases.put(option(role), (Golden) make("oracle.kafka.KafkaGolden", jarsOf(option(role))));
        GoldenSets sets = (GoldenSets) make("oracle.kafka.KafkaGoldenSets", jarsOf(option("newer")));
        new GoldenRun(releases, sets, path("out")).run();
        return true;
    }

    private boolean done(Findings findings, long start) throws IOException {
        boolean fine = findings.report(System.out, path("findings"));
        System.out.printf("%.1f s%n", (System.nanoTime() - start) / 1e9);
        if (spoil() != Spoil.NOTHING) {
            boolean noticed = fine && findings.count("spoilt, noticed", 0) > 0;
            System.out.println(noticed ? "all that was spoilt was noticed" : "not all that was spoilt was noticed");
            return noticed;
        }
        System.out.println(fine ? "Kafka and kwire agree" : "Kafka and kwire disagree");
        return fine;
    }

    /** A release's classes and their judge, separate from those of other releases. */
    private Judge judge(String role) throws Exception {
        return (Judge) make("oracle.kafka.KafkaJudge", jarsOf(option(role)));
    }

    private List<Path> jarsOf(String release) throws IOException {
        try (Stream<Path> files = Files.list(path("jars"))) {
            List<Path> jars = files.filter(file -> file.toString().endsWith("-" + release + ".jar"))
                .sorted(Comparator.comparing(Path::toString)).toList();
            if (jars.isEmpty()) throw new Usage("no jars of " + release + " in " + path("jars"));
            return jars;
        }
    }

    private ClassLoader loader(List<Path> jars) throws IOException {
        List<URL> places = new ArrayList<>();
        places.add(path("judge").toUri().toURL());
        for (Path jar : jars) places.add(jar.toUri().toURL());
        return new URLClassLoader(places.toArray(URL[]::new), Main.class.getClassLoader());
    }

    private Object make(String name, List<Path> jars) throws Exception {
        try {
            return Class.forName(name, true, loader(jars)).getConstructor(List.class).newInstance(jars);
        } catch (InvocationTargetException problem) {
            throw problem.getCause() instanceof Exception cause ? cause : problem;
        }
    }

    private String option(String name) {
        String value = options.get(name);
        if (value == null) throw new Usage("--" + name + " is missing");
        return value;
    }

    private Path path(String name) {
        return Path.of(option(name));
    }

    private long number(String name, long otherwise) {
        return options.containsKey(name) ? Long.parseLong(options.get(name)) : otherwise;
    }
}
