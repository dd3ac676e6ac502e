package dev.iod.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import java.util.stream.Stream;

/**
 * Generated units in /run/systemd/system; they are gone after a reboot unless {@code up} runs
 * again.
 */
final class Systemd implements Supervisor {
    private static final Path UNITS = Path.of("/run/systemd/system");

    private final Layout layout;

    Systemd(Layout layout) {
        this.layout = layout;
    }

    @Override
    public boolean define(List<Service> services) {
        boolean changed = false;
        for (Service service : services) {
            Layout.directory(layout.log(service.name()));
            boolean written =
                    Layout.write(
                                    script(service.name()),
                                    RunScript.of(service, service.command()),
                                    true,
                                    false)
                            | Layout.write(
                                    UNITS.resolve(unit(service.name())),
                                    text(service),
                                    false,
                                    false);
            if (written) {
                stop(service.name());
                changed = true;
            }
        }
        if (changed) {
            Shell.run("systemctl", "daemon-reload");
        }
        return changed;
    }

    @Override
    public boolean start(String name) {
        if (pid(name).isPresent()) {
            return false;
        }
        Shell.run("systemctl", "start", unit(name));
        return true;
    }

    private Path script(String name) {
        return layout.services().resolve(name).resolve(RunScript.NAME);
    }

    String text(Service service) {
        Path log = layout.log(service.name()).resolve("current");
        return """
                [Unit]
                Description=IoD %s (%s)
                StartLimitIntervalSec=0

                [Service]
                ExecStart=/bin/sh %s
                User=%s
                Restart=always
                RestartSec=1s
                KillSignal=SIG%s
                # Machines that virtDaemon started are not part of its unit's life.
                KillMode=process
                StandardOutput=append:%s
                StandardError=append:%s
                """
                .formatted(
                        service.name(),
                        layout.run(),
                        RunScript.quoted(List.of(script(service.name()).toString())),
                        service.user(),
                        service.stopSignal(),
                        log,
                        log);
    }

    private String unit(String name) {
        return layout.namespacePrefix() + name + ".service";
    }

    @Override
    public void stop(String name) {
        if (Files.exists(UNITS.resolve(unit(name)))) {
            Shell.run("systemctl", "stop", unit(name));
        }
    }

    @Override
    public OptionalLong pid(String name) {
        Shell.Result result =
                Shell.attempt("systemctl", "show", "-p", "MainPID", "--value", unit(name));
        long pid = result.ok() && !result.output().isEmpty() ? Long.parseLong(result.output()) : 0;
        return pid > 0 ? OptionalLong.of(pid) : OptionalLong.empty();
    }

    @Override
    public void remove() {
        try (Stream<Path> entries = Files.list(UNITS)) {
            List<Path> ours =
                    entries.filter(
                                    path -> {
                                        String name = path.getFileName().toString();
                                        return name.startsWith(layout.namespacePrefix())
                                                && name.endsWith(".service");
                                    })
                            .toList();
            for (Path unit : ours) {
                Shell.attempt("systemctl", "stop", unit.getFileName().toString());
                Files.delete(unit);
            }
        } catch (IOException e) {
            throw new CliException(
                    "cannot remove units from " + UNITS + ": " + CliException.reason(e), e);
        }
        Shell.run("systemctl", "daemon-reload");
        Trees.delete(layout.services());
    }
}
