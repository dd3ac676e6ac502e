package dev.iod.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.stream.Stream;

/** One {@code runsvdir} per region over generated service directories; logs by {@code svlogd}. */
final class Runit implements Supervisor {
    private static final int STOP_SECONDS = 30;

    private final Layout layout;

    Runit(Layout layout) {
        this.layout = layout;
    }

    @Override
    public boolean define(List<Service> services) {
        boolean changed = false;
        for (Service service : services) {
            if (write(service, layout.services().resolve(service.name()))) {
                stop(service.name());
                changed = true;
            }
        }
        changed |= ensureSupervisor();
        for (Service service : services) {
            Waiting.until(
                    "runit takes up " + service.name(),
                    20,
                    () -> sv("status", service.name()).ok());
        }
        return changed;
    }

    @Override
    public boolean start(String name) {
        if (pid(name).isPresent()) {
            return false;
        }
        sv("up", name);
        Waiting.until("start " + name, 20, () -> pid(name).isPresent());
        return true;
    }

    private boolean write(Service service, Path directory) {
        Path log = Layout.directory(layout.log(service.name()));
        List<String> command = new ArrayList<>();
        if (!service.user().equals("root")) {
            command.addAll(List.of("chpst", "-u", service.user()));
        }
        command.addAll(service.command());
        boolean changed =
                Layout.write(
                        directory.resolve(RunScript.NAME),
                        RunScript.of(service, command),
                        true,
                        false);
        Layout.write(
                directory.resolve("log/run"),
                "#!/bin/sh\nexec svlogd " + RunScript.quoted(List.of(log.toString())) + "\n",
                true,
                false);
        // At most ten files of 1 MB for each process.
        Layout.write(log.resolve("config"), "s1000000\nn10\n", false, false);
        Layout.write(directory.resolve("down"), "", false, false); // started in order by ./iod up
        if (!service.stopSignal().equals("TERM")) {
            Layout.write(
                    directory.resolve("control/t"),
                    "#!/bin/sh\nkill -" + service.stopSignal() + " \"$(cat supervise/pid)\"\n",
                    true,
                    false);
        }
        return changed;
    }

    private boolean ensureSupervisor() {
        Path pidFile = layout.run().resolve("runsvdir.pid");
        if (Files.exists(pidFile)
                && Proc.isRunning(Long.parseLong(Layout.read(pidFile).strip()), "runsvdir")) {
            return false;
        }
        Layout.directory(layout.services());
        endOrphans();
        Proc.endStrays(layout.run(), Proc.GRACE_SECONDS);
        Path log = layout.run().resolve("runsvdir.log");
        try {
            ProcessBuilder builder =
                    new ProcessBuilder("setsid", "runsvdir", "-P", layout.services().toString())
                            .redirectErrorStream(true)
                            .redirectOutput(log.toFile())
                            .redirectInput(Path.of("/dev/null").toFile());
            // Services inherit it: kept here, this one would win over a later one.
            builder.environment().remove(RegionConfig.DATABASE_VARIABLE);
            Process process = builder.start();
            Layout.write(pidFile, process.pid() + "\n", false, false);
        } catch (IOException e) {
            throw new CliException(
                    "cannot start runsvdir (package runit): " + CliException.reason(e), e);
        }
        return true;
    }

    /** A killed runsvdir leaves its runsv processes behind; they would hold the services' locks. */
    private void endOrphans() {
        for (String name : names()) {
            if (sv("status", name).ok()) {
                sv("force-shutdown", name);
            }
        }
    }

    @Override
    public void stop(String name) {
        if (!Files.exists(layout.services().resolve(name))) {
            return;
        }
        Shell.Result result = sv("force-stop", name);
        if (pid(name).isPresent()) {
            throw new CliException("cannot stop " + name + ": " + result.output());
        }
    }

    private Shell.Result sv(String verb, String name) {
        return Shell.attempt(
                "sv", "-w", "" + STOP_SECONDS, verb, layout.services().resolve(name).toString());
    }

    @Override
    public OptionalLong pid(String name) {
        Path file = layout.services().resolve(name).resolve("supervise/pid");
        try {
            String text = Files.exists(file) ? Files.readString(file).strip() : "";
            if (text.isEmpty()) {
                return OptionalLong.empty();
            }
            long pid = Long.parseLong(text);
            return Files.exists(Path.of("/proc", text))
                    ? OptionalLong.of(pid)
                    : OptionalLong.empty();
        } catch (IOException e) {
            throw new CliException("cannot read " + file + ": " + CliException.reason(e), e);
        }
    }

    @Override
    public void remove() {
        Path pidFile = layout.run().resolve("runsvdir.pid");
        if (Files.exists(pidFile)) {
            String pid = Layout.read(pidFile).strip();
            if (Proc.isRunning(Long.parseLong(pid), "runsvdir")) {
                Shell.run("kill", "-HUP", pid); // ends its runsv processes, then itself
            }
        }
        endOrphans();
        Trees.delete(layout.services());
        Trees.delete(pidFile);
    }

    private List<String> names() {
        if (!Files.isDirectory(layout.services())) {
            return List.of();
        }
        try (Stream<Path> entries = Files.list(layout.services())) {
            return entries.map(path -> path.getFileName().toString())
                    .filter(name -> !name.startsWith("."))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new CliException(
                    "cannot list " + layout.services() + ": " + CliException.reason(e), e);
        }
    }
}
