package oracle;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/** schema/marked_fields.txt: what the fields of each message mean, by their paths in Kafka's JSON. */
final class Marks {
    private record Line(String path, int first, int last, String meaning) {}

    private final Map<String, List<Line>> lines = new HashMap<>();

    Marks(Path file) throws IOException {
        for (String line : Files.readAllLines(file)) {
            if (line.isEmpty() || line.startsWith("#")) continue;
            String[] parts = line.split(Pattern.quote(" | "));
            String[] range = parts[2].split("-");
            lines.computeIfAbsent(parts[0], none -> new ArrayList<>()).add(new Line(
                Pattern.compile("_(.)").matcher(parts[1]).replaceAll(letter -> letter.group(1).toUpperCase(java.util.Locale.ROOT)),
                Integer.parseInt(range[0]), Integer.parseInt(range[1]), parts[3]));
        }
    }

    /** Path to meaning, of the fields at a version: `topics[].name`; an array of names ends in `[]`. */
    Map<String, String> at(String message, int version) {
        List<Line> all = lines.getOrDefault(message, List.of());
        Map<String, String> found = new HashMap<>();
        // Kafka 3 numbered the keys of records in its topics like their type; the list has their only version as 0.
        boolean other = all.stream().allMatch(line -> line.first == 0 && line.last == 0);
        for (Line line : all)
            if (other || line.first <= version && version <= line.last) found.put(line.path, line.meaning);
        return found;
    }

    /** The meanings of the fields of one struct at any version. */
    Set<String> ofStruct(String message, String path) {
        Set<String> found = new HashSet<>();
        String prefix = path.isEmpty() ? "" : path + ".";
        for (Line line : lines.getOrDefault(message, List.of()))
            if (line.path.startsWith(prefix) && line.path.indexOf('.', prefix.length()) < 0) found.add(line.meaning);
        return found;
    }

    Set<String> meanings() {
        Set<String> found = new HashSet<>();
        lines.values().forEach(all -> all.forEach(line -> found.add(line.meaning)));
        return found;
    }
}
