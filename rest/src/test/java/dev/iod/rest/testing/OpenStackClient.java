package dev.iod.rest.testing;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The real {@code openstack} client (Debian package python3-openstackclient), one process. */
public final class OpenStackClient implements AutoCloseable {
    private static final JsonMapper MAPPER = JsonMapper.builder().build();
    private static final String MARK = "iod-end-of-command";

    private final Process process;
    private final Writer input;
    private final BufferedReader output;

    /**
     * @param url scheme, host and port of the region
     */
    public OpenStackClient(String url, String user, String password, String project) {
        ProcessBuilder builder = new ProcessBuilder("/usr/bin/openstack").redirectErrorStream(true);
        builder.environment()
                .putAll(
                        Map.of(
                                "OS_AUTH_URL", url + "/identity/v3",
                                "OS_USERNAME", user,
                                "OS_PASSWORD", password,
                                "OS_PROJECT_NAME", project,
                                "OS_USER_DOMAIN_ID", "default",
                                "OS_PROJECT_DOMAIN_ID", "default",
                                "OS_IDENTITY_API_VERSION", "3",
                                "PYTHONWARNINGS", "ignore",
                                // Or the mark overtakes the answer.
                                "PYTHONUNBUFFERED", "1"));
        try {
            process = builder.start();
        } catch (IOException e) {
            throw new UncheckedIOException("install the Debian package python3-openstackclient", e);
        }
        input = new OutputStreamWriter(process.getOutputStream(), StandardCharsets.UTF_8);
        output =
                new BufferedReader(
                        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    /** What the client prints for a command, errors included. */
    public String run(String command) {
        try {
            input.write(command + "\nshell echo " + MARK + "\n");
            input.flush();
            StringBuilder answer = new StringBuilder();
            for (String line = output.readLine(); line != null; line = output.readLine()) {
                if (line.contains(MARK)) {
                    return answer.toString();
                }
                answer.append(line.replace("(openstack) ", "")).append('\n');
            }
            throw new IllegalStateException("the client ended: " + answer);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The JSON that the client prints for a command. */
    public JsonNode json(String command) {
        String text = run(command + " -f json");
        int start = 0;
        while (start < text.length() && "[{".indexOf(text.charAt(start)) < 0) {
            start++;
        }
        if (start == text.length()) {
            throw new IllegalStateException("'" + command + "' answered: " + text);
        }
        return MAPPER.readTree(text.substring(start));
    }

    @Override
    public void close() {
        process.destroy();
    }
}
