/**
 * The command line. One thread, one command, level-triggered: every step of {@code up} looks at
 * what is there and does what is missing, so a second run changes nothing and a run after a crash
 * completes the first. A lock on the run directory keeps two commands that change it apart.
 */
package dev.iod.cli;
