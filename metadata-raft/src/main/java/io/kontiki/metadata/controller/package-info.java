/**
 * Decisions that are made before a command is proposed: where replicas go, whether a topic can be
 * made, which leaders should move.
 *
 * <p><b>Pure.</b> Knows images, commands and topic settings; randomness comes in as a seed. What is
 * decided here is checked again at apply (rule M1). Start at {@link
 * io.kontiki.metadata.controller.TopicCreation}.
 */
@NullMarked
package io.kontiki.metadata.controller;

import org.jspecify.annotations.NullMarked;
