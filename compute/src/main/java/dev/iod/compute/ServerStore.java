package dev.iod.compute;

import dev.iod.image.Images;
import dev.iod.rest.Json;
import dev.iod.store.Rows;
import java.nio.charset.StandardCharsets;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.StatementContext;
import org.jdbi.v3.core.statement.Update;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** The table {@code server}; lists are in {@link ServerList}. */
final class ServerStore {
    private ServerStore() {}

    static Optional<Server> find(Handle handle, UUID id) {
        return handle.createQuery("SELECT * FROM server WHERE id = :id")
                .bind("id", id)
                .map(ServerStore::map)
                .findOne();
    }

    /** All servers placed on a node, in the order of their making. */
    static List<Server> onNode(Handle handle, String node) {
        return handle.createQuery("SELECT * FROM server WHERE node = :node ORDER BY number")
                .bind("node", node)
                .map(ServerStore::map)
                .list();
    }

    /** The servers of a node, locked; lock its provider first. */
    static List<Server> lockOnNode(Handle handle, String node) {
        return handle.createQuery(
                        "SELECT * FROM server WHERE node = :node ORDER BY number FOR UPDATE")
                .bind("node", node)
                .map(ServerStore::map)
                .list();
    }

    /** Those of a reservation that wait for a node, locked. */
    static List<Server> lockWaiting(Handle handle, String reservation) {
        return handle.createQuery(
                        "SELECT * FROM server WHERE reservation_id = :reservation"
                                + " AND task_state = 'scheduling' ORDER BY number FOR UPDATE")
                .bind("reservation", reservation)
                .map(ServerStore::map)
                .list();
    }

    /** One server, locked until the end of the transaction. */
    static Optional<Server> lock(Handle handle, UUID id) {
        return handle.createQuery("SELECT * FROM server WHERE id = :id FOR UPDATE")
                .bind("id", id)
                .map(ServerStore::map)
                .findOne();
    }

    /** The server has been placed. */
    static void setNode(Handle handle, UUID id, String node, TaskState task) {
        handle.createUpdate("UPDATE server SET node = :node, task_state = :task WHERE id = :id")
                .bind("node", node)
                .bind("task", task.text())
                .bind("id", id)
                .execute();
    }

    /** Writes a new server; {@code number} and the times are the database's. */
    static void insert(Handle handle, Server server) {
        Flavor flavor = server.flavor();
        Lifecycle.State state = server.state();
        Update insert =
                handle.createUpdate(
                                """
                        INSERT INTO server (id, project_id, user_id, name, description, hostname,
                            reservation_id, launch_index, image_id, kernel_image_id, kernel_sha256,
                            kernel_size_bytes, initrd_image_id, initrd_sha256, initrd_size_bytes,
                            root_sha256, root_size_bytes, command_line, firmware, boots_volume, root_disk, flavor_id, flavor_name, memory_mib, vcpus, disk_gib,
                            ephemeral_gib, swap_mib, flavor_properties, key_name, key_openssh,
                            password_hash, user_data, metadata, tags, requested_zone, requested_node, disk_config, access_ipv4,
                            access_ipv6, group_id, node, vm_state, task_state, power_state, wish,
                            boot_generation, soft_reboot_generation, fault_message, fault_details,
                            fault_at)
                        VALUES (:id, :project, :user, :name, :description, :hostname, :reservation,
                            :index, :image, :kernelId, :kernelSha, :kernelSize, :initrdId,
                            :initrdSha, :initrdSize, :rootSha, :rootSize, :commandLine, :firmware, :bootsVolume, :rootDisk, :flavorId, :flavorName, :memory,
                            :vcpus, :disk, :ephemeral, :swap, CAST(:properties AS jsonb), :keyName,
                            :keyOpenssh, :passwordHash, :userData, CAST(:metadata AS jsonb), :tags, :zone, :requestedNode,
                            :diskConfig, :ipv4, :ipv6, :group, :node, :vm, :task, :power, :wish,
                            :boot, :soft, :fault, :faultDetails,
                            :faultAt)
                        """)
                        .bind("id", server.id())
                        .bind("project", server.projectId())
                        .bind("user", server.userId())
                        .bind("name", server.name())
                        .bind("description", server.description())
                        .bind("hostname", server.hostname())
                        .bind("reservation", server.origin().reservationId())
                        .bind("index", server.origin().launchIndex())
                        .bind("image", server.origin().imageId())
                        .bind("flavorId", flavor.id())
                        .bind("flavorName", flavor.name())
                        .bind("memory", flavor.memoryMib())
                        .bind("vcpus", flavor.vcpus())
                        .bind("disk", flavor.diskGib())
                        .bind("ephemeral", flavor.ephemeralGib())
                        .bind("swap", flavor.swapMib())
                        .bind("properties", Json.text(Json.object(flavor.properties())))
                        .bindArray("tags", String.class, server.presentation().tags())
                        .bind("zone", server.origin().requestedZone())
                        .bind("requestedNode", server.origin().requestedNode())
                        .bind("diskConfig", server.presentation().diskConfig())
                        .bind("ipv4", server.presentation().accessIpv4())
                        .bind("ipv6", server.presentation().accessIpv6())
                        .bind("group", server.groupId())
                        .bind("node", server.node())
                        .bind("vm", state.vm().text())
                        .bind("task", state.task().text())
                        .bind("power", state.power().number())
                        .bind("wish", text(state.wish()))
                        .bind("boot", state.bootGeneration())
                        .bind("soft", state.softRebootGeneration())
                        .bind("fault", server.fault().map(f -> f.failure().message()))
                        .bind("faultDetails", server.fault().map(f -> f.failure().details()))
                        .bind("faultAt", server.fault().map(Server.ServerFault::at));
        bindBoot(insert, server.boot());
        bindGuest(insert, server.guest());
        insert.execute();
    }

    /** Writes what a server is made of anew: what it boots, what it is called and told. */
    static void rebuild(Handle handle, Server server) {
        Update update =
                handle.createUpdate(
                                """
                                UPDATE server SET name = :name, description = :description,
                                    hostname = :hostname, image_id = :image,
                                    kernel_image_id = :kernelId, kernel_sha256 = :kernelSha,
                                    kernel_size_bytes = :kernelSize, initrd_image_id = :initrdId,
                                    initrd_sha256 = :initrdSha, initrd_size_bytes = :initrdSize,
                                    root_sha256 = :rootSha, root_size_bytes = :rootSize,
                                    command_line = :commandLine, firmware = :firmware,
                                    boots_volume = :bootsVolume, root_disk = :rootDisk,
                                    key_name = :keyName, key_openssh = :keyOpenssh,
                                    password_hash = :passwordHash, user_data = :userData,
                                    metadata = CAST(:metadata AS jsonb), disk_config = :diskConfig,
                                    access_ipv4 = :ipv4, access_ipv6 = :ipv6
                                WHERE id = :id
                                """)
                        .bind("id", server.id())
                        .bind("name", server.name())
                        .bind("description", server.description())
                        .bind("hostname", server.hostname())
                        .bind("image", server.origin().imageId())
                        .bind("diskConfig", server.presentation().diskConfig())
                        .bind("ipv4", server.presentation().accessIpv4())
                        .bind("ipv6", server.presentation().accessIpv6());
        bindBoot(update, server.boot());
        bindGuest(update, server.guest());
        update.execute();
    }

    private static void bindBoot(Update update, Server.Boot boot) {
        Images.Boot.Kernel kernel = kernel(boot.what());
        update.bind("kernelId", kernel.kernel().imageId())
                .bind("kernelSha", kernel.kernel().sha256())
                .bind("kernelSize", kernel.kernel().sizeBytes())
                .bind("initrdId", kernel.initrd().imageId())
                .bind("initrdSha", kernel.initrd().sha256())
                .bind("initrdSize", kernel.initrd().sizeBytes())
                .bind("rootSha", boot.disk().map(Images.Part::sha256))
                .bind("rootSize", boot.disk().map(Images.Part::sizeBytes))
                .bind("commandLine", kernel.commandLine())
                .bind("firmware", firmware(boot.what()))
                .bind("bootsVolume", boot.volume())
                .bind("rootDisk", boot.rootDisk());
    }

    private static void bindGuest(Update update, Server.Guest guest) {
        update.bind("keyName", guest.keyName())
                .bind("keyOpenssh", guest.keyOpenssh())
                .bind("passwordHash", guest.passwordHash())
                .bind("userData", guest.userData())
                .bind("metadata", Json.text(Json.object(guest.metadata())));
    }

    /** Writes what was asked of a server: its state with the goal revision that carries it. */
    static void setState(Handle handle, UUID id, Lifecycle.State state) {
        handle.createUpdate(
                        "UPDATE server SET vm_state = :vm, task_state = :task, power_state ="
                                + " :power, wish = :wish, boot_generation = :boot,"
                                + " soft_reboot_generation = :soft, goal_revision = :revision, pinned ="
                                + " :pinned, updated_at = now() WHERE id = :id")
                .bind("vm", state.vm().text())
                .bind("task", state.task().text())
                .bind("power", state.power().number())
                .bind("wish", text(state.wish()))
                .bind("boot", state.bootGeneration())
                .bind("soft", state.softRebootGeneration())
                .bind("revision", state.goalRevision())
                .bind("pinned", state.pinned())
                .bind("id", id)
                .execute();
    }

    static void setFault(Handle handle, UUID id, Optional<Failure> failure) {
        handle.createUpdate(
                        "UPDATE server SET fault_message = :message, fault_details = :details,"
                                + " fault_at = CASE WHEN CAST(:message AS text) IS NULL THEN NULL"
                                + " ELSE now() END WHERE id = :id")
                .bind("message", failure.map(Failure::message))
                .bind("details", failure.map(Failure::details))
                .bind("id", id)
                .execute();
    }

    /** The server has been ACTIVE for the first time. */
    static void setLaunched(Handle handle, UUID id) {
        handle.createUpdate(
                        "UPDATE server SET launched_at = coalesce(launched_at, now()) WHERE id = :id")
                .bind("id", id)
                .execute();
    }

    static void setGoalRevision(Handle handle, Collection<UUID> ids, long revision) {
        handle.createUpdate("UPDATE server SET goal_revision = :revision WHERE id = ANY(:ids)")
                .bind("revision", revision)
                .bindArray("ids", UUID.class, ids)
                .execute();
    }

    static void setRescue(Handle handle, UUID id, Optional<Server.Rescue> rescue) {
        handle.createUpdate("UPDATE server SET rescue = CAST(:rescue AS jsonb) WHERE id = :id")
                .bind("rescue", rescue.map(ServerStore::text))
                .bind("id", id)
                .execute();
    }

    /** Writes which flavor and root disk a server has, and which beside. */
    static void setFlavor(Handle handle, Server server) {
        Flavor flavor = server.flavor();
        handle.createUpdate(
                        "UPDATE server SET flavor_id = :flavorId, flavor_name = :flavorName,"
                                + " memory_mib = :memory, vcpus = :vcpus, disk_gib = :disk,"
                                + " ephemeral_gib = :ephemeral, swap_mib = :swap,"
                                + " flavor_properties = CAST(:properties AS jsonb),"
                                + " root_disk = :rootDisk, resize = CAST(:resize AS jsonb)"
                                + " WHERE id = :id")
                .bind("flavorId", flavor.id())
                .bind("flavorName", flavor.name())
                .bind("memory", flavor.memoryMib())
                .bind("vcpus", flavor.vcpus())
                .bind("disk", flavor.diskGib())
                .bind("ephemeral", flavor.ephemeralGib())
                .bind("swap", flavor.swapMib())
                .bind("properties", Json.text(Json.object(flavor.properties())))
                .bind("rootDisk", server.boot().rootDisk())
                .bind("resize", server.resize().map(ServerStore::text))
                .bind("id", server.id())
                .execute();
    }

    static void setDiskConfig(Handle handle, UUID id, String diskConfig) {
        handle.execute("UPDATE server SET disk_config = ? WHERE id = ?", diskConfig, id);
    }

    static void setLock(Handle handle, UUID id, Optional<Server.Lock> lock) {
        handle.createUpdate(
                        "UPDATE server SET locked_by = :by, locked_reason = :reason,"
                                + " updated_at = now() WHERE id = :id")
                .bind("by", lock.map(Server.Lock::by))
                .bind("reason", lock.flatMap(Server.Lock::reason))
                .bind("id", id)
                .execute();
    }

    /** What a user may change by hand. */
    static void setAppearance(
            Handle handle,
            UUID id,
            String name,
            Optional<String> description,
            String hostname,
            Server.Presentation presentation) {
        handle.createUpdate(
                        "UPDATE server SET name = :name, description = :description, hostname ="
                                + " :hostname, disk_config = :disk, access_ipv4 = :ipv4, access_ipv6 ="
                                + " :ipv6, updated_at = now() WHERE id = :id")
                .bind("name", name)
                .bind("description", description)
                .bind("hostname", hostname)
                .bind("disk", presentation.diskConfig())
                .bind("ipv4", presentation.accessIpv4())
                .bind("ipv6", presentation.accessIpv6())
                .bind("id", id)
                .execute();
    }

    static void setMetadata(Handle handle, UUID id, Map<String, String> metadata) {
        handle.createUpdate(
                        "UPDATE server SET metadata = CAST(:metadata AS jsonb), updated_at = now()"
                                + " WHERE id = :id")
                .bind("metadata", Json.text(Json.object(metadata)))
                .bind("id", id)
                .execute();
    }

    static void setTags(Handle handle, UUID id, List<String> tags) {
        handle.createUpdate("UPDATE server SET tags = :tags WHERE id = :id")
                .bindArray("tags", String.class, tags)
                .bind("id", id)
                .execute();
    }

    static void delete(Handle handle, UUID id) {
        handle.createUpdate("DELETE FROM server WHERE id = :id").bind("id", id).execute();
    }

    private static String text(Lifecycle.Wish wish) {
        return wish.name().toLowerCase(Locale.ROOT);
    }

    static Server map(ResultSet row, StatementContext context) throws SQLException {
        return new Server(
                Rows.id(row, "id"),
                row.getLong("number"),
                row.getString("project_id"),
                row.getString("user_id"),
                row.getString("name"),
                Rows.optional(row, "description"),
                row.getString("hostname"),
                new Server.Origin(
                        row.getString("reservation_id"),
                        row.getInt("launch_index"),
                        row.getString("image_id"),
                        row.getString("requested_zone"),
                        Rows.optional(row, "requested_node")),
                new Server.Boot(
                        boot(row),
                        disk(row),
                        row.getBoolean("boots_volume"),
                        row.getLong("root_disk")),
                flavor(row),
                new Server.Guest(
                        Rows.optional(row, "key_name"),
                        row.getString("key_openssh"),
                        Rows.optional(row, "password_hash"),
                        Rows.optional(row, "user_data"),
                        Json.map(row.getString("metadata"))),
                new Server.Presentation(
                        Rows.texts(row, "tags"),
                        row.getString("disk_config"),
                        row.getString("access_ipv4"),
                        row.getString("access_ipv6")),
                Rows.optionalId(row, "group_id"),
                Rows.optional(row, "node"),
                state(row),
                rescue(row),
                resize(row),
                fault(row),
                lock(row),
                new Server.Times(
                        Rows.time(row, "created_at"),
                        Rows.time(row, "updated_at"),
                        Rows.optionalTime(row, "launched_at")));
    }

    private static String text(Server.Rescue rescue) {
        ObjectNode text = Json.object();
        Images.Boot.Kernel kernel = kernel(rescue.boot().what());
        text.set("kernel", node(kernel.kernel()));
        text.set("initrd", node(kernel.initrd()));
        text.put("command_line", kernel.commandLine());
        firmware(rescue.boot().what()).ifPresent(firmware -> text.put("firmware", firmware));
        rescue.boot().disk().ifPresent(disk -> text.set("disk", node(disk)));
        text.put("number", rescue.number());
        text.put("disk_bytes", rescue.diskBytes());
        rescue.passwordHash().ifPresent(hash -> text.put("password_hash", hash));
        return Json.text(text);
    }

    private static String text(Server.Resize resize) {
        Flavor flavor = resize.flavor();
        ObjectNode text = Json.object();
        text.set(
                "flavor",
                Json.object()
                        .put("id", flavor.id())
                        .put("name", flavor.name())
                        .put("memory_mib", flavor.memoryMib())
                        .put("vcpus", flavor.vcpus())
                        .put("disk_gib", flavor.diskGib())
                        .put("ephemeral_gib", flavor.ephemeralGib())
                        .put("swap_mib", flavor.swapMib())
                        .set("properties", Json.object(flavor.properties())));
        text.put("root_disk", resize.rootDisk());
        text.put("off", resize.off());
        text.put("reverting", resize.reverting());
        return Json.text(text);
    }

    private static Optional<Server.Resize> resize(ResultSet row) throws SQLException {
        Optional<String> text = Rows.optional(row, "resize");
        if (text.isEmpty()) {
            return Optional.empty();
        }
        JsonNode resize = Json.parse(text.get().getBytes(StandardCharsets.UTF_8));
        JsonNode flavor = resize.path("flavor");
        return Optional.of(
                new Server.Resize(
                        flavor(
                                flavor.path("id").stringValue(),
                                flavor.path("name").stringValue(),
                                flavor.path("memory_mib").longValue(),
                                flavor.path("vcpus").intValue(),
                                flavor.path("disk_gib").intValue(),
                                flavor.path("ephemeral_gib").intValue(),
                                flavor.path("swap_mib").intValue(),
                                Json.map(flavor.path("properties"))),
                        resize.path("root_disk").longValue(),
                        resize.path("off").booleanValue(),
                        resize.path("reverting").booleanValue()));
    }

    private static ObjectNode node(Images.Part part) {
        return Json.object()
                .put("image_id", part.imageId())
                .put("sha256", part.sha256())
                .put("size_bytes", part.sizeBytes());
    }

    private static Images.Part part(JsonNode node) {
        return new Images.Part(
                node.path("image_id").stringValue(),
                node.path("sha256").stringValue(),
                node.path("size_bytes").longValue());
    }

    private static Optional<Server.Rescue> rescue(ResultSet row) throws SQLException {
        Optional<String> text = Rows.optional(row, "rescue");
        if (text.isEmpty()) {
            return Optional.empty();
        }
        JsonNode rescue = Json.parse(text.get().getBytes(StandardCharsets.UTF_8));
        Images.Boot boot =
                rescue.path("firmware")
                        .stringValueOpt()
                        .<Images.Boot>map(
                                firmware ->
                                        new Images.Boot.Disk(
                                                Images.Firmware.valueOf(
                                                        firmware.toUpperCase(Locale.ROOT))))
                        .orElseGet(
                                () ->
                                        new Images.Boot.Kernel(
                                                part(rescue.path("kernel")),
                                                part(rescue.path("initrd")),
                                                rescue.path("command_line").stringValue()));
        Optional<Images.Part> disk =
                rescue.has("disk") ? Optional.of(part(rescue.path("disk"))) : Optional.empty();
        return Optional.of(
                new Server.Rescue(
                        new Server.Boot(boot, disk, false, 0),
                        rescue.path("number").longValue(),
                        rescue.path("disk_bytes").longValue(),
                        rescue.path("password_hash").stringValueOpt()));
    }

    private static Optional<Server.Lock> lock(ResultSet row) throws SQLException {
        Optional<String> reason = Rows.optional(row, "locked_reason");
        return Rows.optional(row, "locked_by").map(by -> new Server.Lock(by, reason));
    }

    private static Optional<Server.ServerFault> fault(ResultSet row) throws SQLException {
        Optional<String> message = Rows.optional(row, "fault_message");
        return message.isEmpty()
                ? Optional.empty()
                : Optional.of(
                        new Server.ServerFault(
                                new Failure(
                                        message.get(),
                                        Rows.optional(row, "fault_details").orElse("")),
                                Rows.time(row, "fault_at")));
    }

    /** A server that boots a disk has a kernel of no image, so that all can be compared. */
    private static Images.Boot.Kernel kernel(Images.Boot boot) {
        return switch (boot) {
            case Images.Boot.Kernel kernel -> kernel;
            case Images.Boot.Disk _ -> {
                Images.Part none = new Images.Part("", "", 0);
                yield new Images.Boot.Kernel(none, none, "");
            }
        };
    }

    private static Optional<String> firmware(Images.Boot boot) {
        return switch (boot) {
            case Images.Boot.Kernel _ -> Optional.empty();
            case Images.Boot.Disk(Images.Firmware firmware) ->
                    Optional.of(firmware.name().toLowerCase(Locale.ROOT));
        };
    }

    private static Images.Boot boot(ResultSet row) throws SQLException {
        Optional<String> firmware = Rows.optional(row, "firmware");
        return firmware.isPresent()
                ? new Images.Boot.Disk(
                        Images.Firmware.valueOf(firmware.get().toUpperCase(Locale.ROOT)))
                : new Images.Boot.Kernel(
                        part(row, "kernel"), part(row, "initrd"), row.getString("command_line"));
    }

    private static Images.Part part(ResultSet row, String prefix) throws SQLException {
        return new Images.Part(
                row.getString(prefix + "_image_id"),
                row.getString(prefix + "_sha256"),
                row.getLong(prefix + "_size_bytes"));
    }

    private static Optional<Images.Part> disk(ResultSet row) throws SQLException {
        String sha256 = row.getString("root_sha256");
        return sha256 == null
                ? Optional.empty()
                : Optional.of(
                        new Images.Part(
                                row.getString("image_id"), sha256, row.getLong("root_size_bytes")));
    }

    private static Flavor flavor(ResultSet row) throws SQLException {
        return flavor(
                row.getString("flavor_id"),
                row.getString("flavor_name"),
                row.getLong("memory_mib"),
                row.getInt("vcpus"),
                row.getInt("disk_gib"),
                row.getInt("ephemeral_gib"),
                row.getInt("swap_mib"),
                Json.map(row.getString("flavor_properties")));
    }

    /** What a server keeps of its flavor. */
    private static Flavor flavor(
            String id,
            String name,
            long memoryMib,
            int vcpus,
            int diskGib,
            int ephemeralGib,
            int swapMib,
            Map<String, String> properties) {
        return new Flavor(
                id,
                name,
                memoryMib,
                vcpus,
                diskGib,
                ephemeralGib,
                swapMib,
                1,
                true,
                false,
                Optional.empty(),
                properties);
    }

    private static Lifecycle.State state(ResultSet row) throws SQLException {
        return new Lifecycle.State(
                VmState.of(row.getString("vm_state")),
                TaskState.of(row.getString("task_state")),
                PowerState.of(row.getInt("power_state")),
                Lifecycle.Wish.valueOf(row.getString("wish").toUpperCase(Locale.ROOT)),
                row.getLong("boot_generation"),
                row.getLong("soft_reboot_generation"),
                row.getLong("goal_revision"),
                row.getBoolean("pinned"),
                Rows.optionalTime(row, "launched_at").isPresent(),
                resize(row)
                        .map(
                                resize ->
                                        resize.reverting()
                                                ? Lifecycle.Resize.REVERTING
                                                : Lifecycle.Resize.OPEN)
                        .orElse(Lifecycle.Resize.NONE));
    }
}
