/** Requests handed on to other brokers and taken from them (rule R45). <b>Shell.</b> */
@NullMarked
package io.kontiki.broker.forward;

import org.jspecify.annotations.NullMarked;
