package dev.iod.dpu;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What a server can read, as directories and files. */
sealed interface MetadataTree {
    /** A file. */
    record Leaf(String contentType, byte[] content) implements MetadataTree {
        static Leaf text(String text) {
            return new Leaf("text/plain; charset=UTF-8", text.getBytes(StandardCharsets.UTF_8));
        }

        static Leaf json(byte[] content) {
            return new Leaf("application/json", content);
        }

        static Leaf bytes(byte[] content) {
            return new Leaf("application/octet-stream", content);
        }
    }

    /**
     * A directory. Reading it lists its members' labels, one a line and none at the end, as EC2
     * does.
     */
    record Directory(Map<String, Member> members) implements MetadataTree {
        private record Member(String label, MetadataTree tree) {}

        static Directory empty() {
            return new Directory(new LinkedHashMap<>());
        }

        /** A member under its own name, directories with a slash. */
        Directory with(String name, MetadataTree tree) {
            return with(name, tree instanceof Directory ? name + "/" : name, tree);
        }

        /** A member that is listed under another name, or with an empty one not at all. */
        Directory with(String name, String label, MetadataTree tree) {
            members.put(name, new Member(label, tree));
            return this;
        }

        Optional<MetadataTree> member(String name) {
            return Optional.ofNullable(members.get(name)).map(Member::tree);
        }

        Leaf listing() {
            List<String> labels = new ArrayList<>();
            for (Member member : members.values()) {
                if (!member.label.isEmpty()) {
                    labels.add(member.label);
                }
            }
            return Leaf.text(String.join("\n", labels));
        }
    }

    /** The file at a path; doubled and trailing slashes do not matter. */
    static Optional<Leaf> find(MetadataTree root, String path) {
        Optional<MetadataTree> at = Optional.of(root);
        for (String name : path.split("/", -1)) {
            if (!name.isEmpty()) {
                at = at.flatMap(tree -> child(tree, name));
            }
        }
        return at.map(
                tree ->
                        switch (tree) {
                            case Leaf leaf -> leaf;
                            case Directory directory -> directory.listing();
                        });
    }

    private static Optional<MetadataTree> child(MetadataTree tree, String name) {
        return switch (tree) {
            case Leaf leaf -> Optional.empty();
            case Directory directory -> directory.member(name);
        };
    }
}
