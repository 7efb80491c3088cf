/** The Netty event loops as the port {@link io.kontiki.runtime.EventLoop}. <b>Shell.</b> */
@NullMarked
package io.kontiki.broker.loop;

import org.jspecify.annotations.NullMarked;
