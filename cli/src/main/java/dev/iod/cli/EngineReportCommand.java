package dev.iod.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.TypeConversionException;

/**
 * A command that asks the packet engine of every node, of one node, or of the node of one port.
 *
 * @param <R> what there is to say of a node; a record, for {@code --json}
 */
abstract class EngineReportCommand<R> implements Callable<Integer> {
    @Parameters(
            arity = "0..1",
            paramLabel = "NODE|PORT",
            description = "Only of a node, or of a port.")
    private @Nullable String what;

    @Option(names = "--json", description = "Machine-readable.")
    private boolean json;

    /**
     * Whom to ask about what.
     *
     * @param ports all of the region
     * @param port the one that the question is about, if it is about one
     */
    record Question(
            Layout layout, String node, Engine engine, GuestPorts ports, Optional<GuestPort> port) {
        /** Whether the answer is to name a device, or the owner of a zone. */
        boolean concerns(String name) {
            return port.map(p -> p.id().equals(name)).orElse(true);
        }

        /** What people call a device, or the owner of a zone. */
        String label(String name) {
            return ports.byId(name).map(GuestPort::label).orElse(name);
        }
    }

    /** Reads the number of an option that has a least one, 0. */
    static final class Count implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String value) {
            if (!value.matches("\\d{1,9}")) {
                throw new TypeConversionException(
                        "'" + value + "' is no number of 0 or more, below a thousand million");
            }
            return Integer.valueOf(value);
        }
    }

    @Override
    public final Integer call() {
        Layout layout = Layout.ofEnvironment();
        RegionConfig config = RegionConfig.load(layout);
        GuestPorts ports = new GuestPorts(config);
        Target target = Target.of(config, what, ports);
        List<R> reports = new ArrayList<>();
        for (String node : target.nodes()) {
            try (Engine engine = new Engine(layout, node)) {
                reports.add(ask(new Question(layout, node, engine, ports, target.port())));
            }
        }
        if (json) {
            System.out.println(
                    Api.JSON.writerWithDefaultPrettyPrinter().writeValueAsString(reports));
        } else {
            reports.forEach(report -> print(report, target.port().isEmpty()));
        }
        return 0;
    }

    abstract R ask(Question question);

    /**
     * @param all whether the question is about all ports
     */
    abstract void print(R report, boolean all);
}
