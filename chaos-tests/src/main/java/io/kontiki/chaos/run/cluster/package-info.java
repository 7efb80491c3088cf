/**
 * The cluster under test, and what can be done to it: processes of this machine with networks and
 * disks of their own where it allows that, or whatever a file of commands describes.
 *
 * <p><b>Shell.</b> Knows nothing of loads and of which fault comes when. Start at {@link
 * io.kontiki.chaos.run.cluster.Target}.
 */
@NullMarked
package io.kontiki.chaos.run.cluster;

import org.jspecify.annotations.NullMarked;
