// Package matching brings posts together: it finds the teams that could do a job,
// offers it in the order that the policy sets (cooperatives first, 意见三（八）),
// and keeps the handshake (点对点对接) from the offer to its end.
//
// A [Handshake]'s document carries everything that decides. What it needs of a
// team (its people) and of a job (its places) is asked in steps: the intent on the
// handshake, then the hold or the claim, then the outcome on the handshake; whoever
// finds one unfinished finishes it, forward ([Handshakes.Advance]). A deadline
// stands in the same document as the acts that it cuts off.
//
// The package knows rooms and agreements only as what follows its feed.
package matching
