package dev.iod.host;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.util.ArrayList;
import java.util.List;

/**
 * Who runs the VMMs. A daemon that is root drops everything of root before QEMU is executed; one
 * that is not can only be that user itself.
 *
 * @param name the user's name
 * @param principal the user
 * @param group the number of the user's own group
 * @param root whether the daemon is root
 */
record VmmUser(String name, UserPrincipal principal, String group, boolean root) {
    private static final Path KVM = Path.of("/dev/kvm");

    /**
     * Looks a user up.
     *
     * @throws HostException INVALID when there is none, or it cannot be used
     */
    static VmmUser of(String name) {
        try {
            UserPrincipal principal =
                    Path.of("/")
                            .getFileSystem()
                            .getUserPrincipalLookupService()
                            .lookupPrincipalByName(name);
            UserPrincipal self = Files.getOwner(Path.of("/proc/self"));
            boolean root = self.getName().equals("root");
            MachineSpec.check(
                    root || self.equals(principal),
                    "only root can run VMMs as %s; this is %s",
                    name,
                    self.getName());
            return new VmmUser(name, principal, group(name), root);
        } catch (UserPrincipalNotFoundException e) {
            throw new HostException(
                    HostException.Category.INVALID,
                    "no user " + name + " for the VMMs: create it with useradd --system",
                    e);
        } catch (IOException e) {
            throw new HostException(
                    HostException.Category.FAILED, "cannot look up user " + name + ": " + e, e);
        }
    }

    private static String group(String name) throws IOException {
        Process id = new ProcessBuilder("id", "-g", "--", name).start();
        try (BufferedReader output = id.inputReader()) {
            String group = output.readLine();
            MachineSpec.check(group != null, "user %s has no group", name);
            return String.valueOf(group);
        }
    }

    void own(Path directory) throws IOException {
        if (root) {
            Files.setOwner(directory, principal);
        }
    }

    /**
     * The command that runs another as this user, with no way back.
     *
     * @throws IOException when the accelerator's device does not tell its group
     */
    List<String> demoted(List<String> command, Accelerator accelerator) throws IOException {
        List<String> demoted = new ArrayList<>();
        if (root) {
            demoted.addAll(
                    List.of(
                            "setpriv",
                            "--reuid=" + name,
                            "--regid=" + group,
                            supplementary(accelerator),
                            "--no-new-privs",
                            "--inh-caps=-all",
                            "--bounding-set=-all",
                            "--"));
        }
        demoted.addAll(command);
        return demoted;
    }

    /** Nothing but what opens the accelerator's device, whatever groups the user is in. */
    private static String supplementary(Accelerator accelerator) throws IOException {
        return switch (accelerator) {
            case KVM ->
                    Files.exists(KVM)
                            ? "--groups=" + Files.getAttribute(KVM, "unix:gid")
                            : "--clear-groups";
            case TCG -> "--clear-groups";
        };
    }
}
