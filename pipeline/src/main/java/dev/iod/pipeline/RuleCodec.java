package dev.iod.pipeline;

import dev.iod.engine.WireReader;
import dev.iod.engine.WireWriter;
import dev.iod.pipeline.Field.Slice;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** {@link Match} and {@link Action} on the wire; nesting is bounded in both directions. */
final class RuleCodec {
    /** Deepest nesting of matches or action bodies. */
    static final int MAX_DEPTH = 64;

    private static final Field[] FIELDS = Field.values();

    private RuleCodec() {}

    static void writeMatch(WireWriter out, Match match) {
        switch (match) {
            case Match.Always m -> out.u8(0);
            case Match.Masked m ->
                    field(out.u8(1), m.field())
                            .i128(m.value().high(), m.value().low())
                            .i128(m.mask().high(), m.mask().low());
            case Match.Compare m ->
                    field(out.u8(2), m.field())
                            .code(m.relation())
                            .i128(m.value().high(), m.value().low());
            case Match.In m -> field(out.u8(3), m.field()).text(m.set());
            case Match.All m -> writeTerms(out.u8(4), m.terms());
            case Match.Any m -> writeTerms(out.u8(5), m.terms());
            case Match.Not m -> writeMatch(out.u8(6), m.term());
        }
    }

    static Match readMatch(WireReader in, int depth) {
        checkDepth(depth);
        int tag = in.u8();
        switch (tag) {
            case 0:
                return new Match.Always();
            case 1:
                {
                    Field field = in.constant(FIELDS);
                    Bits value = Bits.read(in);
                    return Recent.of(new Match.Masked(field, value, Bits.read(in)));
                }
            case 2:
                {
                    Field field = in.constant(FIELDS);
                    Match.Relation relation = in.constant(Match.Relation.values());
                    return new Match.Compare(field, relation, Bits.read(in));
                }
            case 3:
                {
                    Field field = in.constant(FIELDS);
                    return new Match.In(field, in.text());
                }
            case 4:
                return new Match.All(readTerms(in, depth));
            case 5:
                return new Match.Any(readTerms(in, depth));
            case 6:
                return new Match.Not(readMatch(in, depth + 1));
            default:
                throw WireReader.malformed("unknown match " + tag);
        }
    }

    static void writeActions(WireWriter out, List<Action> actions) {
        out.i32(actions.size());
        for (Action action : actions) {
            writeAction(out, action);
        }
    }

    static List<Action> readActions(WireReader in, int depth) {
        checkDepth(depth);
        int count = in.count(1);
        List<Action> actions = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            actions.add(Recent.of(readAction(in, depth)));
        }
        return Recent.of(List.copyOf(actions));
    }

    private static void writeAction(WireWriter out, Action action) {
        switch (action) {
            case Action.Set a ->
                    slice(out.u8(0), a.target()).i128(a.value().high(), a.value().low());
            case Action.Copy a -> slice(slice(out.u8(1), a.source()), a.target());
            case Action.Swap a -> slice(slice(out.u8(2), a.a()), a.b());
            case Action.DecrementTtl a -> out.u8(3);
            case Action.Next a -> out.u8(4).code(a.stage()).i32(a.table());
            case Action.Output a -> out.u8(5);
            case Action.ConntrackNext a -> out.u8(6).code(a.zone());
            case Action.ConntrackCommit a ->
                    writeActions(out.u8(7).code(a.zone()), a.assignments());
            case Action.ConntrackClear a -> out.u8(8);
            case Action.Clone a -> writeActions(out.u8(9), a.body());
            case Action.Craft a -> writeActions(out.u8(10).code(a.reply()), a.body());
            case Action.NeighborGet a -> slice(slice(out.u8(11), a.port()), a.ip());
            case Action.NeighborPut a -> slice(slice(slice(out.u8(12), a.port()), a.ip()), a.mac());
            case Action.NeighborCheck a -> {
                slice(slice(out.u8(13), a.port()), a.ip()).bool(a.mac().isPresent());
                a.mac().ifPresent(mac -> slice(out, mac));
                slice(out, a.result());
            }
            case Action.PortSecurityIn a -> slice(out.u8(14), a.result());
            case Action.PortSecurityOut a -> slice(out.u8(15), a.result());
            case Action.DhcpReply a ->
                    slice(out.u8(16).i32(a.offeredAddress()).blob(a.options()), a.result());
            case Action.CheckLarger a -> slice(out.u8(17).i32(a.limitBytes()), a.result());
            case Action.Drop a -> out.u8(18);
            case Action.Unsupported a -> out.u8(19).text(a.what());
        }
    }

    private static Action readAction(WireReader in, int depth) {
        int tag = in.u8();
        return switch (tag) {
            case 0 -> {
                Slice target = slice(in);
                yield new Action.Set(target, Bits.read(in));
            }
            case 1 -> {
                Slice source = slice(in);
                yield new Action.Copy(source, slice(in));
            }
            case 2 -> {
                Slice a = slice(in);
                yield new Action.Swap(a, slice(in));
            }
            case 3 -> new Action.DecrementTtl();
            case 4 -> {
                Action.Stage stage = in.constant(Action.Stage.values());
                yield new Action.Next(stage, in.i32());
            }
            case 5 -> new Action.Output();
            case 6 -> new Action.ConntrackNext(in.constant(Action.Zone.values()));
            case 7 -> {
                Action.Zone zone = in.constant(Action.Zone.values());
                yield new Action.ConntrackCommit(zone, readActions(in, depth + 1));
            }
            case 8 -> new Action.ConntrackClear();
            case 9 -> new Action.Clone(readActions(in, depth + 1));
            case 10 -> {
                Action.Reply reply = in.constant(Action.Reply.values());
                yield new Action.Craft(reply, readActions(in, depth + 1));
            }
            default -> readLookup(in, tag);
        };
    }

    private static Action readLookup(WireReader in, int tag) {
        return switch (tag) {
            case 11 -> {
                Slice port = slice(in);
                yield new Action.NeighborGet(port, slice(in));
            }
            case 12 -> {
                Slice port = slice(in);
                Slice ip = slice(in);
                yield new Action.NeighborPut(port, ip, slice(in));
            }
            case 13 -> {
                Slice port = slice(in);
                Slice ip = slice(in);
                Optional<Slice> mac = in.bool() ? Optional.of(slice(in)) : Optional.empty();
                yield new Action.NeighborCheck(port, ip, mac, slice(in));
            }
            case 14 -> new Action.PortSecurityIn(slice(in));
            case 15 -> new Action.PortSecurityOut(slice(in));
            case 16 -> {
                int offered = in.i32();
                byte[] options = in.blob();
                yield new Action.DhcpReply(offered, options, slice(in));
            }
            case 17 -> {
                int limitBytes = in.i32();
                yield new Action.CheckLarger(limitBytes, slice(in));
            }
            case 18 -> new Action.Drop();
            case 19 -> new Action.Unsupported(in.text());
            default -> throw WireReader.malformed("unknown action " + tag);
        };
    }

    private static void writeTerms(WireWriter out, List<Match> terms) {
        out.i32(terms.size());
        for (Match term : terms) {
            writeMatch(out, term);
        }
    }

    private static List<Match> readTerms(WireReader in, int depth) {
        int count = in.count(1);
        List<Match> terms = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            terms.add(readMatch(in, depth + 1));
        }
        return List.copyOf(terms);
    }

    private static WireWriter field(WireWriter out, Field field) {
        return out.code(field);
    }

    private static WireWriter slice(WireWriter out, Slice slice) {
        return field(out, slice.field()).u8(slice.offset()).u8(slice.width());
    }

    private static Slice slice(WireReader in) {
        Field field = in.constant(FIELDS);
        int offset = in.u8();
        int width = in.u8();
        if (width < 1 || offset + width > field.width()) {
            throw WireReader.malformed("bits " + offset + "+" + width + " are outside " + field);
        }
        return Recent.of(field.slice(offset, width));
    }

    private static void checkDepth(int depth) {
        if (depth > MAX_DEPTH) {
            throw WireReader.malformed("nested deeper than " + MAX_DEPTH);
        }
    }
}
