package oracle;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Writes the golden vectors, one file each, not yet gzipped. Every pair of message and version has its own random source, which
 * depends only on its name: a new message does not change the lines of the others.
 */
final class GoldenRun {
    private final Map<String, Golden> releases; // the newest first
    private final GoldenSets sets;
    private final Path out;

    GoldenRun(LinkedHashMap<String, Golden> releases, GoldenSets sets, Path out) {
        this.releases = releases;
        this.sets = sets;
        this.out = out;
    }

    void run() throws IOException {
        messages();
        transcodings();
        meanings();
        errorAnswers();
        List<String> lines = new ArrayList<>();
        sets.lines(randomOf("records"), lines::add);
        write("records.jsonl", lines);
        List<String> filtered = new ArrayList<>();
        sets.filtered(lines, filtered::add);
        write("filtered.jsonl", filtered);
        List<String> committed = new ArrayList<>();
        sets.committed(randomOf("committed"), committed::add);
        write("committed.jsonl", committed);
        headerVersions();
        errorCodes();
    }

    private void messages() throws IOException {
        List<String> lines = new ArrayList<>();
        for (MessageRun.Pair pair : MessageRun.pairs(List.copyOf(releases.values()))) {
            Golden golden = (Golden) pair.judge();
            golden.messageLines(pair.message(), pair.version(), nameOf(golden), randomOf(pair.toString()), lines::add);
        }
        write("messages.jsonl", lines);
    }

    /** Each version is converted to its neighbours, to the first and the last one and to some others, by a release that knows both. */
    private void transcodings() throws IOException {
        List<String> lines = new ArrayList<>();
        Map<String, SortedSet<Integer>> versions = new TreeMap<>();
        for (Golden golden : releases.values())
            golden.versions().forEach((message, known) -> versions.computeIfAbsent(message, none -> new TreeSet<>()).addAll(known));
        for (String message : versions.keySet())
            for (int from : versions.get(message)) {
                List<Integer> all = List.copyOf(versions.get(message));
                Random random = randomOf(message + " from v" + from);
                int at = all.indexOf(from);
                Set<Integer> targets = new TreeSet<>(List.of(all.get(0), all.get(all.size() - 1), all.get(Math.max(0, at - 1)),
                    all.get(Math.min(all.size() - 1, at + 1)), all.get(random.nextInt(all.size()))));
                targets.remove(from);
                for (int to : targets)
                    for (Golden golden : releases.values()) {
                        Collection<Integer> known = golden.versions().getOrDefault(message, new TreeSet<>());
                        if (!known.contains(from) || !known.contains(to)) continue;
                        golden.transcodingLines(message, from, to, nameOf(golden), randomOf(message + " v" + from + " v" + to), lines::add);
                        break;
                    }
            }
        write("transcode.jsonl", lines);
    }

    private void meanings() throws IOException {
        Map.Entry<String, Golden> newest = releases.entrySet().iterator().next();
        List<String> lines = new ArrayList<>();
        newest.getValue().meaningLines(newest.getKey(), lines::add);
        write("meaning.jsonl", lines);
    }

    /** Of the requests that name partitions, which kwire can split. */
    private void errorAnswers() throws IOException {
        Set<String> requests = Set.of("AddPartitionsToTxnRequest", "DeleteRecordsRequest", "DescribeProducersRequest", "FetchRequest",
            "ListOffsetsRequest", "OffsetCommitRequest", "OffsetFetchRequest", "OffsetForLeaderEpochRequest", "ProduceRequest",
            "TxnOffsetCommitRequest", "WriteTxnMarkersRequest");
        List<String> lines = new ArrayList<>();
        for (MessageRun.Pair pair : MessageRun.pairs(List.copyOf(releases.values()))) {
            if (!requests.contains(pair.message())) continue;
            Golden golden = (Golden) pair.judge();
            golden.errorAnswerLines(pair.message(), pair.version(), nameOf(golden), randomOf("error of " + pair), lines::add);
        }
        write("error-answers.jsonl", lines);
    }

    private void headerVersions() throws IOException {
        Map<Integer, Map<Integer, String>> rows = new TreeMap<>();
        releases.forEach((release, golden) -> {
            for (String line : golden.headerVersions()) {
                String[] words = line.split(" ");
                rows.computeIfAbsent(Integer.parseInt(words[0]), none -> new TreeMap<>())
                    .putIfAbsent(Integer.parseInt(words[1]), line + " " + release);
            }
        });
        List<String> lines = new ArrayList<>(List.of("api_key version name request_header response_header kafka"));
        rows.values().forEach(versions -> lines.addAll(versions.values()));
        write("header-versions.txt", lines);
    }

    private void errorCodes() throws IOException {
        Map.Entry<String, Golden> newest = releases.entrySet().iterator().next();
        Set<String> lines = new LinkedHashSet<>(List.of("code name retriable kafka"));
        for (String line : newest.getValue().errorCodes()) lines.add(line + " " + newest.getKey());
        write("error-codes.txt", lines);
    }

    private String nameOf(Golden golden) {
        for (Map.Entry<String, Golden> release : releases.entrySet())
            if (release.getValue() == golden) return release.getKey();
        throw new IllegalStateException("no such release");
    }

    private static Random randomOf(String what) {
        long seed = 1;
        for (char character : what.toCharArray()) seed = seed * 0x9e3779b97f4a7c15L + character;
        return new Random(seed);
    }

    private void write(String name, Collection<String> lines) throws IOException {
        Files.write(out.resolve(name), lines, StandardCharsets.UTF_8);
        System.out.printf("%8d lines in %s%n", lines.size(), name);
    }
}
