/**
 * The commit journal of a log directory (rule L9) and the checkpoint that frees it.
 *
 * <p><b>Core over ports.</b> Knows what a record is, not what it means to a log. Start at {@link
 * io.kontiki.log.journal.CommitJournal}.
 */
@NullMarked
package io.kontiki.log.journal;

import org.jspecify.annotations.NullMarked;
