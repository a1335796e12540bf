package agreement

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"slices"

	"hezuo/fault"
	"hezuo/market"
	"hezuo/matching"
	"hezuo/store"
)

// Config is what [Agreements] need. Contracts and Handshakes are required; the
// store, the vault, the clock and the rest are those of the contracts.
type Config struct {
	Contracts  *Contracts
	Handshakes *matching.Handshakes
	// Rand gives the seeds of the house's keys; nil: crypto/rand.
	Rand io.Reader
	// Logger is told what needs looking at; nil: nobody is.
	Logger *slog.Logger
}

// Agreements keeps the agreements. It is safe for many goroutines, and several
// nodes may run one over the same store.
type Agreements struct {
	cfg struct {
		ContractsConfig
		Rand   io.Reader
		Logger *slog.Logger
	}
	contracts  *Contracts
	handshakes *store.Collection[matching.Handshake]
	book       book
	platform   *store.Collection[ring]
	cursors    *store.Cursors
}

// New opens the agreements of a store, and at the very first start makes the key
// that the house countersigns with. Errors: those of the store and of the vault.
func New(ctx context.Context, cfg Config) (*Agreements, error) {
	if cfg.Contracts == nil || cfg.Handshakes == nil {
		return nil, fault.New(fault.Internal, "agreements need contracts and handshakes")
	}
	s := &Agreements{contracts: cfg.Contracts, handshakes: cfg.Handshakes.Collection()}
	s.cfg.ContractsConfig, s.cfg.Rand, s.cfg.Logger = cfg.Contracts.cfg, cfg.Rand, cfg.Logger
	if s.cfg.Rand == nil {
		s.cfg.Rand = rand.Reader
	}
	if s.cfg.Logger == nil {
		s.cfg.Logger = slog.New(slog.DiscardHandler)
	}
	var err error
	if s.book, err = store.Open(ctx, s.cfg.DB, agreementSpec()); err != nil {
		return nil, err
	}
	if s.platform, err = store.Open(ctx, s.cfg.DB, store.Spec[ring]{Name: "platform_keys"}); err != nil {
		return nil, err
	}
	if s.cursors, err = store.OpenCursors(ctx, s.cfg.DB); err != nil {
		return nil, err
	}
	return s, s.firstKey(ctx)
}

// Collections lists the room's collections, for the check.
func (s *Agreements) Collections() []store.Checked {
	return []store.Checked{s.book, s.platform, s.contracts.disclosures}
}

// Get reads one agreement, for the two parties' people, the operators of its market
// and auditors. Errors: [store.ErrNotFound], for everybody else too.
func (s *Agreements) Get(ctx context.Context, by market.Caller, id string) (store.Item[Agreement], error) {
	it, err := s.book.Get(ctx, id)
	if err != nil {
		return it, err
	}
	if !visible(&it.Doc, by) {
		return store.Item[Agreement]{}, store.ErrNotFound
	}
	return it, nil
}

// ByHandshake reads the agreement of a handshake. Errors as [Agreements.Get].
func (s *Agreements) ByHandshake(ctx context.Context, by market.Caller, handshake string) (store.Item[Agreement], error) {
	return s.Get(ctx, by, ID(handshake))
}

// OfParty lists a party's agreements, newest first: all of them for its people, and
// for operators and auditors those that they may see. A page may hold fewer than
// limit. Errors: [store.ErrNotFound] for everybody else.
func (s *Agreements) OfParty(ctx context.Context, by market.Caller, party, cursor string, limit int) (store.Page[Agreement], error) {
	if !by.ActsFor(party) && !by.Auditor && len(by.Operates) == 0 {
		return store.Page[Agreement]{}, store.ErrNotFound
	}
	page, err := s.book.Find(ctx, store.Range{Index: "party", Prefix: store.K(party), Cursor: cursor, Limit: limit, Descending: true})
	page.Items = slices.DeleteFunc(page.Items, func(it store.Item[Agreement]) bool { return !visible(&it.Doc, by) })
	return page, err
}
