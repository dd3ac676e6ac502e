/**
 * The identity service (OpenStack Identity API v3): projects, users, roles, tokens and the catalog.
 *
 * <p>A token is signed and carries who it is for; whether that user still has a role on that
 * project is looked up in a cache that holds at most {@link
 * dev.iod.identity.TokenService#MAX_CACHED} entries for at most five seconds and is emptied by
 * every change of identity, in any process. Password hashing is slow on purpose; {@link
 * dev.iod.identity.Passwords} bounds how many run at once.
 */
@org.jspecify.annotations.NullMarked
package dev.iod.identity;
