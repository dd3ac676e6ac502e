package dev.iod.identity.testing;

import dev.iod.identity.IdentityApi;
import dev.iod.identity.TokenService;
import dev.iod.region.Service;
import dev.iod.region.Services;
import dev.iod.rest.ApiServer;
import dev.iod.rest.ServerLimits;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.store.Database;
import dev.iod.store.testing.PostgresFixture;
import java.net.InetAddress;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * A region with a private database, the identity service and the services under test, on a free
 * port. The administrator is {@code admin} with the password {@link #ADMIN_PASSWORD}.
 */
public final class TestRegion implements AutoCloseable {
    public static final String ADMIN_PASSWORD = "correct horse";

    private final Database database;
    private final TokenService tokens;
    private final ApiServer server;

    /**
     * @param services makes the other services once the database is there
     */
    public TestRegion(Function<Database, List<Service>> services) {
        Clock clock = Clock.systemUTC();
        database = Database.open(PostgresFixture.newDatabase(), 8);
        tokens = new TokenService(database, clock);
        List<Service> others = services.apply(database);
        List<Service> all = new ArrayList<>(others);
        all.add(IdentityApi.service(database, tokens, "test", ADMIN_PASSWORD, clock, others));
        Services.prepare(database, all);
        server =
                Services.serve(
                        InetAddress.getLoopbackAddress(), 0, ServerLimits.standard(), all, tokens);
    }

    /** The database, for looking behind the API. */
    public Database database() {
        return database;
    }

    /** Scheme, host and port. */
    public String url() {
        return "http://127.0.0.1:" + server.port();
    }

    /** A caller with a token of that user on that project; the paths start with the service. */
    public HttpCaller login(String user, String password, String project) {
        HttpCaller.Answer answer = tryLogin(user, password, project);
        if (answer.status() != 201) {
            throw new IllegalStateException(answer.text());
        }
        return new HttpCaller(url(), answer.headers().firstValue("X-Subject-Token").orElseThrow());
    }

    /** The administrator, scoped to the project admin. */
    public HttpCaller admin() {
        return login("admin", ADMIN_PASSWORD, "admin");
    }

    /** Makes a project and a user of the same name with the role member on it, and logs it in. */
    public HttpCaller member(String name) {
        HttpCaller admin = admin();
        String project =
                created(
                        admin.post("/identity/v3/projects", "{'project':{'name':'" + name + "'}}"),
                        "project");
        String user =
                created(
                        admin.post(
                                "/identity/v3/users",
                                "{'user':{'name':'%s','password':'pw-%s'}}".formatted(name, name)),
                        "user");
        String role =
                admin.get("/identity/v3/roles?name=member").json().at("/roles/0/id").stringValue();
        admin.put("/identity/v3/projects/%s/users/%s/roles/%s".formatted(project, user, role), "");
        return login(name, "pw-" + name, name);
    }

    /** The answer to a login, whatever it is. */
    public HttpCaller.Answer tryLogin(String user, String password, String project) {
        return new HttpCaller(url(), "")
                .post(
                        "/identity/v3/auth/tokens",
                        ("{'auth':{'identity':{'methods':['password'],'password':{'user':{'name':'%s',"
                                        + "'domain':{'id':'default'},'password':'%s'}}},"
                                        + "'scope':{'project':{'name':'%s','domain':{'id':'default'}}}}}")
                                .formatted(user, password, project));
    }

    @Override
    public void close() {
        server.close();
        tokens.close();
        database.close();
    }

    private static String created(HttpCaller.Answer answer, String name) {
        if (answer.status() != 201) {
            throw new IllegalStateException(answer.text());
        }
        return answer.json().path(name).path("id").stringValue();
    }
}
