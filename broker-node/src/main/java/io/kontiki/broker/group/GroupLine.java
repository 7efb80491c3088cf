package io.kontiki.broker.group;

import io.kontiki.group.GroupState.Kind;
import io.kontiki.group.GroupState.Phase;

/** A line in the list of groups. */
public record GroupLine(String group, Phase phase, Kind kind, int members) {}
