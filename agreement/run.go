package agreement

import (
	"context"

	"hezuo/bus"
	"hezuo/matching"
	"hezuo/store"
)

// followerName is who follows the handshakes' feeds; with a feed, the cursor's id.
const followerName = "agreements"

// Run follows every market's handshakes until ctx ends; then its goroutines have
// ended. Any number of nodes may run it.
func (s *Agreements) Run(ctx context.Context, cursors *store.Cursors, waker bus.Waker) {
	s.cfg.Board.Follow(ctx, cursors, waker, s.cfg.Logger, func(county string) []store.Follower {
		return []store.Follower{s.follower(county)}
	})
}

func (s *Agreements) follower(county string) store.Follower {
	return store.Follower{Name: followerName, Log: matching.Feed(county), Handle: s.handle, Now: s.cfg.Now, Logger: s.cfg.Logger}
}
