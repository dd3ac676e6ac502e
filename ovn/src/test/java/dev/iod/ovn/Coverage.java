package dev.iod.ovn;

import dev.iod.pipeline.Action;
import dev.iod.pipeline.EngineReport.TraceStep;
import dev.iod.pipeline.Entity;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** How often packets of a run took each stage of northd's, and each shape of action in it. */
final class Coverage {
    private final Map<String, String> stages;
    private final Map<String, Entity.Rule> rules = new HashMap<>();
    private final Map<String, Integer> perStage = new TreeMap<>();
    private final Map<String, Integer> perShape = new TreeMap<>();
    private final Map<String, Integer> perPair = new TreeMap<>();

    /**
     * @param stages northd's names by logical flow
     */
    Coverage(Map<String, String> stages, List<Entity.Rule> compiled) {
        this.stages = stages;
        stages.values().forEach(stage -> perStage.put(stage, 0));
        for (Entity.Rule rule : compiled) {
            rules.put(rule.cookie(), rule);
            count(rule.actions(), "", 0);
        }
    }

    void add(List<TraceStep> steps) {
        for (TraceStep step : steps) {
            Entity.Rule rule = rules.get(step.cookie());
            if (rule != null && step.what().startsWith("priority ")) {
                String stage = stages.getOrDefault(step.cookie(), "no stage");
                perStage.merge(stage, 1, Integer::sum);
                count(rule.actions(), stage, 1);
            }
        }
    }

    private void count(List<Action> actions, String stage, int times) {
        for (Action action : actions) {
            perShape.merge(shape(action), times, Integer::sum);
            if (times > 0) {
                perPair.merge(stage + " / " + shape(action), times, Integer::sum);
            }
            switch (action) {
                case Action.Clone clone -> count(clone.body(), stage, times);
                case Action.Craft craft -> count(craft.body(), stage, times);
                default -> {}
            }
        }
    }

    /** What tells two ways of carrying an action out apart. */
    static String shape(Action action) {
        String name = action.getClass().getSimpleName();
        return switch (action) {
            case Action.Craft craft -> name + " " + craft.reply();
            case Action.Unsupported refused -> name + " " + refused.what();
            case Action.NeighborGet get -> name + " " + get.ip().width();
            case Action.NeighborPut put -> name + " " + put.ip().width();
            case Action.NeighborCheck check ->
                    name + " " + check.ip().width() + (check.mac().isPresent() ? " mac" : "");
            case Action.ConntrackCommit commit ->
                    name + (commit.assignments().isEmpty() ? "" : " marks");
            default -> name;
        };
    }

    /** Hits of all stages, and of all shapes that any compiled rule has. */
    Map<String, Integer> totals() {
        var all = new TreeMap<>(perStage);
        all.putAll(perShape);
        return all;
    }

    /** One line for each stage and shape. */
    String table() {
        var text = new StringBuilder();
        totals().forEach((name, hits) -> line(text, name, hits));
        text.append("stage / shape of action\n");
        perPair.forEach((name, hits) -> line(text, name, hits));
        return text.toString();
    }

    private static void line(StringBuilder text, String name, int hits) {
        text.append("%-60s %8d%n".formatted(name, hits));
    }
}
