/**
 * Clusters of server processes on this machine: ports, configuration files, supervision.
 *
 * <p><b>Shell.</b> Knows a server only as a program with a configuration file and a health page.
 * Start at {@code LocalCluster}.
 */
@NullMarked
package io.kontiki.cli.local;

import org.jspecify.annotations.NullMarked;
