package market

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"hezuo/bus"
	"hezuo/store"
)

// findMarkets is how often it is looked whether a market was founded.
const findMarkets = 5 * time.Second

// Poll is how long a follower of a market's feeds goes without a wake-up: for what
// another process has written. Retry is its pause after a failure.
const (
	Poll  = 2 * time.Second
	Retry = 2 * time.Second
)

// Follow runs a stage's followers of every market, also of those that are founded
// meanwhile, until ctx ends; then its goroutines have ended. followers gives those
// of one market; their Wake, Poll and Retry are filled in.
func (b *Board) Follow(ctx context.Context, cursors *store.Cursors, waker bus.Waker, log *slog.Logger, followers func(county string) []store.Follower) {
	var running sync.WaitGroup
	defer running.Wait()
	followed := map[string]bool{}
	t := time.NewTicker(findMarkets)
	defer t.Stop()
	for {
		markets, err := b.Markets(ctx)
		if err != nil && ctx.Err() == nil {
			log.ErrorContext(ctx, "the markets could not be read", "error", err)
		}
		for _, m := range markets {
			if followed[m.ID] {
				continue
			}
			followed[m.ID] = true
			for _, f := range followers(m.ID) {
				running.Go(func() {
					wake, stop := waker.Listen(f.Log)
					defer stop()
					f.Wake, f.Poll, f.Retry = wake, Poll, Retry
					_ = cursors.Run(ctx, f) // it ends with ctx
				})
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}
