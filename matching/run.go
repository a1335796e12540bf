package matching

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"hezuo/bus"
	"hezuo/market"
	"hezuo/store"
)

// How often the house looks without being woken.
const (
	pollFeeds   = 2 * time.Second // for what another process has written
	settleEvery = time.Second     // for deadlines
	findMarkets = 5 * time.Second // for markets that were founded
	retryAfter  = 2 * time.Second // after a failure
)

// Run follows the markets' feeds and settles deadlines until ctx ends.
func (e *Engine) Run(ctx context.Context, cursors *store.Cursors, waker bus.Waker) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return e.settle(ctx) })
	g.Go(func() error {
		followed := map[string]bool{}
		for {
			markets, err := e.board.Markets(ctx)
			if err != nil && ctx.Err() == nil {
				e.log.ErrorContext(ctx, "the markets could not be read", "error", err)
			}
			for _, m := range markets {
				if !followed[m.ID] {
					followed[m.ID] = true
					e.follow(ctx, g, cursors, waker, m.ID)
				}
			}
			if !wait(ctx, findMarkets) {
				return nil
			}
		}
	})
	return g.Wait()
}

// follow follows one market's two feeds.
func (e *Engine) follow(ctx context.Context, g *errgroup.Group, cursors *store.Cursors, waker bus.Waker, county string) {
	for log, handle := range map[string]func(context.Context, store.Record) error{
		market.PostsFeed(county): e.handlePost,
		Feed(county):             e.handleHandshake,
	} {
		g.Go(func() error {
			wake, stop := waker.Listen(log)
			defer stop()
			_ = cursors.Run(ctx, store.Follower{
				Name: "engine", Log: log, Handle: handle, Wake: wake,
				Poll: pollFeeds, Retry: retryAfter, Now: e.now, Logger: e.log,
			}) // it ends with ctx
			return nil
		})
	}
}

// settle does what falls due, and finishes what a process left unfinished.
func (e *Engine) settle(ctx context.Context) error {
	for {
		if err := e.SettleOnce(ctx); err != nil && ctx.Err() == nil {
			e.log.ErrorContext(ctx, "deadlines could not all be settled", "error", err)
		}
		if !wait(ctx, settleEvery) {
			return nil
		}
	}
}

// SettleOnce does what has fallen due by now, once.
func (e *Engine) SettleOnce(ctx context.Context) error {
	now := e.now()
	_, unfinished := e.handshakes.AdvanceAll(ctx)
	_, jobs := e.board.Settle(ctx, e.node, now)
	_, handshakes := e.handshakes.Settle(ctx, now)
	return errors.Join(unfinished, jobs, handshakes)
}

// wait waits, and reports whether ctx goes on.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// reference reads what a feed's entry refers to.
func reference(r store.Record) (store.Ref, error) {
	var ref store.Ref
	if err := json.Unmarshal(r.Body, &ref); err != nil {
		return ref, fmt.Errorf("feed entry %d of %s: %w", r.N, r.Log, err)
	}
	return ref, nil
}
