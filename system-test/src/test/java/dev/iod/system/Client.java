package dev.iod.system;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import tools.jackson.databind.JsonNode;

/** The real OpenStack client as one interactive process. */
final class Client implements AutoCloseable {
    private static final String MARK = "iod-end-of-command";

    private final Process process;
    private final BufferedWriter input;
    private final BufferedReader output;

    Client(Path clouds, String cloud) {
        ProcessBuilder builder = new ProcessBuilder("/usr/bin/openstack").redirectErrorStream(true);
        builder.environment().put("OS_CLIENT_CONFIG_FILE", clouds.toString());
        builder.environment().put("OS_CLOUD", cloud);
        builder.environment().put("PYTHONWARNINGS", "ignore");
        builder.environment().put("PYTHONUNBUFFERED", "1"); // or the mark overtakes the answer
        try {
            process = builder.start();
        } catch (IOException e) {
            throw new AssertionError("cannot start the OpenStack client", e);
        }
        input =
                new BufferedWriter(
                        new OutputStreamWriter(process.getOutputStream(), StandardCharsets.UTF_8));
        output =
                new BufferedReader(
                        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    /** Everything the client prints for a command, errors included. */
    String text(String command) {
        try {
            input.write(command + "\nshell echo " + MARK + "\n");
            input.flush();
            StringBuilder answer = new StringBuilder();
            for (String line = output.readLine(); line != null; line = output.readLine()) {
                if (line.contains(MARK)) {
                    return answer.toString().strip();
                }
                answer.append(line.replace("(openstack) ", "")).append('\n');
            }
            throw new AssertionError("the OpenStack client ended: " + answer);
        } catch (IOException e) {
            throw new AssertionError("the OpenStack client went away", e);
        }
    }

    /** A command's answer as JSON. */
    JsonNode json(String command) {
        String text = text(command + " -f json");
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) == '{' || text.charAt(i) == '[') {
                return Region.JSON.readTree(text.substring(i));
            }
        }
        throw new AssertionError("openstack " + command + " answered: " + text);
    }

    @Override
    public void close() {
        process.destroy();
    }
}
