/**
 * Shows that the simulations find bugs: switches off one guard of the real code at a time, and
 * counts the seeds until something is noticed. Start at {@link io.kontiki.chaos.mutation.Guards},
 * the list of guards, and {@link io.kontiki.chaos.mutation.MutationSuite}, the program.
 *
 * <p>The product code knows nothing of it. A guard is named by the lines of source that make it; a
 * mutant is that file with these lines changed, compiled in memory, and loaded in place of the
 * compiled class by a class loader of its own. A guard whose code has changed is not found any
 * more, and a test fails.
 */
@NullMarked
package io.kontiki.chaos.mutation;

import org.jspecify.annotations.NullMarked;
