package dev.iod.compute;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OpenSshKeysTest {
    @Test
    void sshKeygenReadsWhatWeMake(@TempDir Path directory) throws Exception {
        OpenSshKeys.Generated key = OpenSshKeys.generate();
        Path file = directory.resolve("key");
        Files.writeString(file, key.privateKey());
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        String derived = run("ssh-keygen", "-y", "-f", file.toString());
        assertThat(key.publicKey()).startsWith(derived.strip());
        Path publicFile = directory.resolve("key.pub");
        Files.writeString(publicFile, key.publicKey());
        String listed = run("ssh-keygen", "-l", "-E", "md5", "-f", publicFile.toString());
        assertThat(listed).contains("2048 MD5:" + OpenSshKeys.fingerprint(key.publicKey()).get());
    }

    @Test
    void refusesWhatIsNoPublicKey() {
        for (String text :
                new String[] {
                    "",
                    "ssh-rsa",
                    "ssh-rsa !!!!",
                    "ssh-rsa AAAA",
                    "ssh-ed25519 AAAAB3NzaC1yc2EAAAADAQABAAAAgQ==",
                    "rot13 AAAAB3NzaC1yc2EAAAADAQABAAAAgQ==",
                    "ssh-rsa //////////8="
                }) {
            assertThat(OpenSshKeys.fingerprint(text)).as(text).isEmpty();
        }
    }

    private static String run(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as(output).isZero();
        return output;
    }
}
