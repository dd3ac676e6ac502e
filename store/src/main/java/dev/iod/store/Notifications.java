package dev.iod.store;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

/**
 * PostgreSQL's LISTEN on one connection and thread of its own. After a lost connection every
 * subscriber is called once with an empty payload, "look at everything": what was missed is not
 * known. Subscribers must not block.
 */
public final class Notifications implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Notifications.class.getName());
    private static final int POLL_MILLIS = 500;
    private static final int MAX_PAUSE_MILLIS = 5_000;

    private final String url;
    private final Map<String, CopyOnWriteArrayList<Consumer<String>>> subscribers =
            new ConcurrentHashMap<>();
    private final Thread thread;
    private volatile boolean stopped;

    Notifications(String url) {
        this.url = url;
        this.thread = Thread.ofVirtual().name("database-notifications").start(this::run);
    }

    /** Calls the subscriber for each notification on the channel from now on. */
    public Subscription subscribe(String channel, Consumer<String> subscriber) {
        CopyOnWriteArrayList<Consumer<String>> list =
                subscribers.computeIfAbsent(checked(channel), name -> new CopyOnWriteArrayList<>());
        list.add(subscriber);
        return () -> list.remove(subscriber);
    }

    /** Ends a subscription. */
    @FunctionalInterface
    public interface Subscription extends AutoCloseable {
        @Override
        void close();
    }

    @Override
    public void close() {
        stopped = true;
        thread.interrupt();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        int pauseMillis = 100;
        while (!stopped) {
            try (Connection connection = DriverManager.getConnection(url)) {
                Set<String> listening = ConcurrentHashMap.newKeySet();
                listen(connection, listening);
                subscribers.values().forEach(list -> deliver(list, ""));
                pauseMillis = 100;
                while (!stopped) {
                    receive(connection, listening);
                }
            } catch (SQLException e) {
                if (!stopped) {
                    LOG.log(
                            System.Logger.Level.WARNING,
                            "database notifications: " + e.getMessage() + "; trying again");
                    pause(pauseMillis);
                    pauseMillis = Math.min(MAX_PAUSE_MILLIS, pauseMillis * 2);
                }
            }
        }
    }

    private void receive(Connection connection, Set<String> listening) throws SQLException {
        listen(connection, listening);
        PGNotification[] all = connection.unwrap(PGConnection.class).getNotifications(POLL_MILLIS);
        for (PGNotification one : all == null ? new PGNotification[0] : all) {
            CopyOnWriteArrayList<Consumer<String>> list = subscribers.get(one.getName());
            if (list != null) {
                deliver(list, one.getParameter());
            }
        }
    }

    private void listen(Connection connection, Set<String> listening) throws SQLException {
        for (String channel : subscribers.keySet()) {
            if (listening.add(channel)) {
                try (Statement statement = connection.createStatement()) {
                    statement.execute("LISTEN " + channel);
                }
                // Between subscribe and LISTEN something may have been missed.
                deliver(subscribers.getOrDefault(channel, new CopyOnWriteArrayList<>()), "");
            }
        }
    }

    private static void deliver(CopyOnWriteArrayList<Consumer<String>> list, String payload) {
        for (Consumer<String> subscriber : list) {
            try {
                subscriber.accept(payload);
            } catch (RuntimeException e) {
                LOG.log(System.Logger.Level.ERROR, "a subscriber failed", e);
            }
        }
    }

    private void pause(int millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            if (!stopped) {
                LOG.log(System.Logger.Level.WARNING, "interrupted without being stopped");
            }
        }
    }

    private static String checked(String channel) {
        // The name becomes part of an SQL statement.
        if (!channel.matches("[a-z_]{1,60}")) {
            throw new IllegalArgumentException("channel " + channel + " is not [a-z_]{1,60}");
        }
        return channel;
    }
}
