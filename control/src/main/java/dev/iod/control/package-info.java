/**
 * The region's control plane: identity, image, network and compute services and their reconcilers.
 */
package dev.iod.control;
