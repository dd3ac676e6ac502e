/** The OVN chassis: logical flow language to eSwitch pipeline, and binding. */
package dev.iod.ovn;
