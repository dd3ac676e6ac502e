package dev.iod.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.compute.Compute;
import dev.iod.console.Consoles;
import dev.iod.identity.TokenService;
import dev.iod.image.ImageFiles;
import dev.iod.image.ImageService;
import dev.iod.image.QemuConverter;
import dev.iod.region.ConnectedNodes;
import dev.iod.region.Grace;
import dev.iod.region.Quota;
import dev.iod.region.Service;
import dev.iod.region.Services;
import dev.iod.rest.ApiServer;
import dev.iod.rest.Route;
import dev.iod.rest.Rule;
import dev.iod.rest.ServerLimits;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.store.Database;
import dev.iod.store.testing.PostgresFixture;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Who may use which route: as docs/api.md says, and as the region does. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PolicyTest {
    private static final Path DOCUMENT = Path.of("../docs/api.md");
    private static final String NOTHING = "00000000-0000-4000-8000-000000000000";
    private static final String[] HEADERS = {
        "OpenStack-API-Version", "compute latest, volume latest"
    };
    private static final String ADMIN_PASSWORD = "correct horse";

    /** Who tries, and which rules they pass. */
    private enum Kind {
        STRANGER(List.of(Rule.PUBLIC)),
        UNSCOPED(List.of(Rule.PUBLIC, Rule.TOKEN)),
        READER(List.of(Rule.PUBLIC, Rule.TOKEN, Rule.READER)),
        MEMBER(List.of(Rule.PUBLIC, Rule.TOKEN, Rule.READER, Rule.MEMBER)),
        ADMIN(List.of(Rule.values()));

        private final List<Rule> passes;

        Kind(List<Rule> passes) {
            this.passes = passes;
        }
    }

    /** A user with a token. */
    private record User(HttpCaller http, String id, String project) {}

    private Database database;
    private TokenService tokens;
    private List<Service> services = List.of();
    private ApiServer server;
    private final Map<Kind, User> users = new LinkedHashMap<>();
    private User other;

    @BeforeAll
    void start(@TempDir Path directory) {
        Clock clock = Clock.systemUTC();
        database = Database.open(PostgresFixture.newDatabase(), 8);
        tokens = new TokenService(database, clock);
        services =
                Main.services(
                        database,
                        tokens,
                        new ImageService(
                                database,
                                new ImageFiles(directory),
                                new QemuConverter("nobody"),
                                clock),
                        new ConnectedNodes(new Grace(Clock.systemUTC())),
                        new Consoles(
                                database,
                                new ConnectedNodes(new Grace(clock)),
                                Compute.consoleServers(),
                                Set.of(),
                                Optional.empty(),
                                Optional.empty(),
                                clock),
                        "test",
                        ADMIN_PASSWORD,
                        clock);
        Services.prepare(database, services);
        server =
                Services.serve(
                        InetAddress.getLoopbackAddress(),
                        0,
                        ServerLimits.standard(),
                        services,
                        tokens);
        users.put(Kind.STRANGER, new User(new HttpCaller(url(), ""), NOTHING, NOTHING));
        User admin = login("admin", ADMIN_PASSWORD, "admin");
        users.put(Kind.ADMIN, admin);
        String project = project("p");
        users.put(Kind.READER, user("reader", project, "p", "reader"));
        users.put(Kind.MEMBER, user("member", project, "p", "member"));
        User unscoped = login("member", "pw-member", "");
        users.put(Kind.UNSCOPED, new User(unscoped.http(), unscoped.id(), project));
        other = user("other", project("q"), "q", "member");
    }

    @AfterAll
    void stop() {
        server.close();
        tokens.close();
        database.close();
    }

    @Test
    void theDocumentHasTheWholeTable() throws IOException {
        StringBuilder table = new StringBuilder();
        for (Service service : services) {
            table.append("\n| `").append(service.prefix()).append("` | who |\n|---|---|\n");
            for (Route route : service.routes()) {
                table.append(
                        "| `%s %s` | %s |\n"
                                .formatted(route.method(), route.template(), route.rule().text()));
            }
        }
        assertThat(documented("policy")).isEqualTo(table + "\n");
    }

    /** Nova asks Keystone for the project; Neutron does not. */
    @Test
    void quotasOfComputeAreOfProjectsThatThereAre() {
        HttpCaller admin = known(Kind.ADMIN).http();
        String body = "{'quota_set': {'cores': 20}}";
        String quotas = "/compute/v2.1/os-quota-sets/";
        assertThat(admin.put(quotas + known(Kind.MEMBER).project(), body).status()).isEqualTo(200);
        HttpCaller.Answer refused = admin.put(quotas + "6f70656e737461636b6973676f6f6421", body);
        assertThat(refused.status()).isEqualTo(400);
        assertThat(refused.json().at("/badRequest/message").stringValue())
                .isEqualTo("Project ID 6f70656e737461636b6973676f6f6421 is not a valid project.");
    }

    @Test
    void theDocumentHasEveryQuota() throws IOException {
        StringBuilder table =
                new StringBuilder("\n| service | quota | standard |\n|---|---|---|\n");
        for (Service service : services) {
            for (Quota quota : service.quotas()) {
                table.append(
                        "| %s | `%s` | %s |\n"
                                .formatted(
                                        quota.service(),
                                        quota.resource(),
                                        quota.standard() == Quota.UNLIMITED
                                                ? "none"
                                                : String.format(
                                                        Locale.ROOT, "%,d", quota.standard())));
            }
        }
        assertThat(documented("quotas")).isEqualTo(table + "\n");
    }

    /** What docs/api.md has between two marks. */
    private static String documented(String name) throws IOException {
        String begin = "<!-- " + name + " -->\n";
        String end = "<!-- end of " + name + " -->\n";
        String text = Files.readString(DOCUMENT);
        return text.substring(text.indexOf(begin) + begin.length(), text.indexOf(end));
    }

    @Test
    void everyRouteKeepsItsRule() {
        List<String> wrong = new ArrayList<>();
        each(
                (service, route) ->
                        users.forEach(
                                (kind, user) -> {
                                    int status = attempt(service, route, user);
                                    if (!as(route.rule(), kind, status)) {
                                        wrong.add(
                                                "%s %s%s by %s answers %d but is for %s"
                                                        .formatted(
                                                                route.method(),
                                                                service.prefix(),
                                                                route.template(),
                                                                kind,
                                                                status,
                                                                route.rule().text()));
                                    }
                                }));
        assertThat(wrong).isEmpty();
    }

    /** The resources of one project are not there for another one's members, whatever they try. */
    @Test
    void whatBelongsToAProjectIsNotThereForOthers() {
        Map<String, String> owned = resources(known(Kind.MEMBER).http());
        List<String> wrong = new ArrayList<>();
        List<String> tried = new ArrayList<>();
        each(
                (service, route) -> {
                    String template = service.prefix() + route.template();
                    int end = template.indexOf("/{");
                    String id = owned.get(end < 0 ? "" : template.substring(0, end));
                    if (id == null || route.rule() == Rule.ADMIN) {
                        return;
                    }
                    String path =
                            template.replaceFirst("\\{\\w+}", id).replaceAll("\\{\\w+}", NOTHING);
                    int status = send(other.http(), route, path, body(template, route.method()));
                    tried.add(route.method() + " " + template);
                    if (status != 404) {
                        wrong.add("%s %s: %d".formatted(route.method(), template, status));
                    }
                });
        assertThat(wrong).isEmpty();
        assertThat(tried).hasSizeGreaterThan(50);
        Map<String, String> still = new LinkedHashMap<>();
        owned.forEach(
                (collection, id) -> {
                    if (known(Kind.MEMBER).http().get(collection + "/" + id, HEADERS).status()
                            == 200) {
                        still.put(collection, id);
                    }
                });
        assertThat(still).isEqualTo(owned);
    }

    private static boolean as(Rule rule, Kind kind, int status) {
        boolean refused = status == 401 || status == 403;
        return kind.passes.contains(rule)
                ? !refused
                : status == (kind == Kind.STRANGER ? 401 : 403);
    }

    private void each(BiConsumer<Service, Route> work) {
        for (Service service : services) {
            service.routes().forEach(route -> work.accept(service, route));
        }
    }

    /** Tries a route with ids of one's own to read, and of nothing to change. */
    private static int attempt(Service service, Route route, User user) {
        boolean reads = route.method().equals("GET") || route.method().equals("POST");
        String path =
                (service.prefix() + route.template())
                        .replace("/v3/users/{id}", "/v3/users/" + (reads ? user.id() : NOTHING))
                        .replace(
                                "/v3/projects/{id}",
                                "/v3/projects/" + (reads ? user.project() : NOTHING))
                        .replace("{project}", reads ? user.project() : NOTHING)
                        .replaceAll("\\{\\w+}", NOTHING);
        return send(user.http(), route, path, "{}");
    }

    private static int send(HttpCaller http, Route route, String path, String body) {
        boolean bodied = !route.method().equals("GET") && !route.method().equals("DELETE");
        String type =
                route.method().equals("PATCH") && path.startsWith("/image")
                        ? "application/openstack-images-v2.1-json-patch"
                        : path.endsWith("/file") || path.endsWith("/stage")
                                ? "application/octet-stream"
                                : "application/json";
        return http.send(
                        route.method(),
                        path,
                        bodied ? body.replace('\'', '"') : "",
                        HEADERS[0],
                        HEADERS[1],
                        "Content-Type",
                        type)
                .status();
    }

    /** One of each kind of thing a member can own: collection → id. */
    private Map<String, String> resources(HttpCaller http) {
        Map<String, String> owned = new LinkedHashMap<>();
        String network = "/network/v2.0/";
        String id = made(http, owned, network + "networks", "network", "'name':'n'");
        made(
                http,
                owned,
                network + "subnets",
                "subnet",
                "'network_id':'%s','ip_version':4,'cidr':'10.0.0.0/24'".formatted(id));
        made(http, owned, network + "ports", "port", "'network_id':'%s'".formatted(id));
        made(http, owned, network + "routers", "router", "'name':'r'");
        String group =
                made(http, owned, network + "security-groups", "security_group", "'name':'g'");
        made(
                http,
                owned,
                network + "security-group-rules",
                "security_group_rule",
                "'security_group_id':'%s','direction':'ingress'".formatted(group));
        made(
                http,
                owned,
                "/compute/v2.1/os-server-groups",
                "server_group",
                "'name':'g','policy':'affinity'");
        made(http, owned, "/compute/v2.1/os-keypairs", "keypair", "'name':'k'");
        // There is no pool for it, which makes it no less a volume of its project.
        String volume = made(http, owned, "/volume/v3/volumes", "volume", "'size':1");
        JsonNode message = http.get("/volume/v3/messages", HEADERS).json().at("/messages/0");
        assertThat(message.path("resource_uuid").asString()).isEqualTo(volume);
        owned.put("/volume/v3/messages", message.path("id").stringValue());
        owned.put("/volume/v3/snapshots", snapshot(volume));
        String kernel = image(http, "aki", "");
        String initrd = image(http, "ari", "");
        String machine =
                image(http, "ami", ",'kernel_id':'%s','ramdisk_id':'%s'".formatted(kernel, initrd));
        owned.put("/image/v2/images", machine);
        // There is no node for it, which makes it no less a server of its project.
        made(
                http,
                owned,
                "/compute/v2.1/servers",
                "server",
                "'name':'s','flavorRef':'%s','imageRef':'%s','networks':'none'"
                        .formatted(flavor(), machine));
        return owned;
    }

    /** A snapshot of a volume, which only a pool could make by itself. */
    private String snapshot(String volume) {
        return database.transaction(
                handle ->
                        handle.createQuery(
                                        "INSERT INTO volume_snapshot (id, project_id, user_id,"
                                                + " volume_id, size_gib, status, bootable)"
                                                + " SELECT gen_random_uuid(), project_id, user_id,"
                                                + " id, size_gib, 'available', false"
                                                + " FROM volume WHERE id = ?::uuid RETURNING id")
                                .bind(0, volume)
                                .mapTo(String.class)
                                .one());
    }

    private String flavor() {
        return known(Kind.ADMIN)
                .http()
                .post(
                        "/compute/v2.1/flavors",
                        "{'flavor':{'name':'f','ram':64,'vcpus':1,'disk':0}}")
                .json()
                .at("/flavor/id")
                .stringValue();
    }

    private static String image(HttpCaller http, String format, String more) {
        String id =
                http.post(
                                "/image/v2/images",
                                "{'name':'i','disk_format':'%s','container_format':'%s'%s}"
                                        .formatted(format, format, more))
                        .json()
                        .path("id")
                        .stringValue();
        assertThat(http.upload("/image/v2/images/" + id + "/file", new byte[] {1}).status())
                .isEqualTo(204);
        return id;
    }

    private static String made(
            HttpCaller http,
            Map<String, String> owned,
            String collection,
            String singular,
            String fields) {
        HttpCaller.Answer answer =
                http.post(collection, "{'%s':{%s}}".formatted(singular, fields), HEADERS);
        JsonNode made = answer.json().path(singular);
        assertThat(made.isObject()).as(answer.text()).isTrue();
        String id = made.path(singular.equals("keypair") ? "name" : "id").asString();
        owned.put(collection, id);
        return id;
    }

    /** A body that the route would take. */
    private static String body(String template, String method) {
        if (method.equals("PATCH")) {
            return "[{'op':'replace','path':'/name','value':'x'}]";
        }
        String last = template.substring(template.lastIndexOf('/') + 1);
        return switch (last) {
            case "action" -> "{'os-stop':null}";
            case "metadata" -> "{'metadata':{'a':'b'}}";
            case "os-volume_attachments", "{volume}" ->
                    "{'volumeAttachment':{'volumeId':'%s'}}".formatted(NOTHING);
            case "{key}" -> "{'meta':{'%s':'b'}}".formatted(NOTHING);
            case "tags" -> "{'tags':['a']}";
            case "members" -> "{'member':'x'}";
            case "add_router_interface", "remove_router_interface" ->
                    "{'subnet_id':'%s'}".formatted(NOTHING);
            case "{id}" -> {
                String collection = template.substring(0, template.lastIndexOf('/'));
                String plural = collection.substring(collection.lastIndexOf('/') + 1);
                String singular = plural.substring(0, plural.length() - 1).replace('-', '_');
                yield "{'%s':{'name':'x'}}".formatted(singular);
            }
            default -> "{}";
        };
    }

    private String project(String name) {
        return known(Kind.ADMIN)
                .http()
                .post("/identity/v3/projects", "{'project':{'name':'" + name + "'}}")
                .json()
                .at("/project/id")
                .stringValue();
    }

    private User user(String name, String project, String projectName, String role) {
        HttpCaller admin = known(Kind.ADMIN).http();
        String user =
                admin.post(
                                "/identity/v3/users",
                                "{'user':{'name':'%s','password':'pw-%s'}}".formatted(name, name))
                        .json()
                        .at("/user/id")
                        .stringValue();
        String id =
                admin.get("/identity/v3/roles?name=" + role).json().at("/roles/0/id").stringValue();
        admin.put("/identity/v3/projects/%s/users/%s/roles/%s".formatted(project, user, id), "");
        return login(name, "pw-" + name, projectName);
    }

    /**
     * @param project its name; empty for a token without a scope
     */
    private User login(String name, String password, String project) {
        String scope =
                project.isEmpty()
                        ? ""
                        : ",'scope':{'project':{'name':'%s','domain':{'id':'default'}}}"
                                .formatted(project);
        HttpCaller.Answer answer =
                new HttpCaller(url(), "")
                        .post(
                                "/identity/v3/auth/tokens",
                                ("{'auth':{'identity':{'methods':['password'],'password':{'user':{'name':'%s',"
                                                + "'domain':{'id':'default'},'password':'%s'}}}%s}}")
                                        .formatted(name, password, scope));
        JsonNode token = answer.json().path("token");
        return new User(
                new HttpCaller(url(), answer.headers().firstValue("X-Subject-Token").orElseThrow()),
                token.at("/user/id").stringValue(),
                token.at("/project/id").asString(NOTHING));
    }

    private User known(Kind kind) {
        return Optional.ofNullable(users.get(kind)).orElseThrow();
    }

    private String url() {
        return "http://127.0.0.1:" + server.port();
    }
}
