package matching

import (
	"context"
	"errors"
	"slices"
	"time"

	"hezuo/fault"
	"hezuo/market"
	"hezuo/store"
)

// Contract makes what both sides sign, and verifies their signatures. The room
// agreement implements it.
type Contract interface {
	// Draft gives the canonical bytes of the contract of a handshake whose terms
	// both sides have accepted, and which has its people and places. Errors: an
	// [fault.Invalid] or [fault.Gone] fault where there never can be one, such as
	// when a party's data were deleted: the handshake then ends. Any other error is
	// a failure, and the draft is asked for again until there is one.
	Draft(ctx context.Context, id string, h *Handshake) (string, error)
	// Verify checks a person's signature for a side under h.Contract, as a JWS
	// protected header and signature, both base64url. Errors: faults.
	Verify(ctx context.Context, id string, h *Handshake, r Role, person, protected, signature string, now time.Time) (Signature, error)
}

// Handshakes keeps the handshakes.
type Handshakes struct {
	c        *store.Collection[Handshake]
	board    *market.Board
	contract Contract
	node     string
	now      func() time.Time
}

// Config is what [Handshakes] needs. All of it is required.
type Config struct {
	DB       store.DB
	Board    *market.Board
	Contract Contract
	Node     string // names this process in audit trails
	Now      func() time.Time
}

// New opens the handshakes of a store.
func New(ctx context.Context, cfg Config) (*Handshakes, error) {
	c, err := store.Open(ctx, cfg.DB, store.Spec[Handshake]{Name: "handshakes", Indexes: []store.Index[Handshake]{
		{Name: "party", Version: 1, Keys: func(_ string, h *Handshake) []store.Key {
			return slices.Compact([]store.Key{store.K(h.Employer.Party, h.Created), store.K(h.Owner.Party, h.Created)})
		}},
		{Name: "job", Version: 1, Keys: func(_ string, h *Handshake) []store.Key {
			return []store.Key{store.K(h.Job, h.Created)}
		}},
		{Name: "next", Version: 1, Keys: func(_ string, h *Handshake) []store.Key {
			if next := h.Next(); !next.IsZero() {
				return []store.Key{store.K(next)}
			}
			return nil
		}},
		{Name: "unfinished", Version: 1, Keys: func(_ string, h *Handshake) []store.Key {
			if h.Step() == StepNone {
				return nil
			}
			return []store.Key{store.K(h.Created)}
		}},
	}})
	if err != nil {
		return nil, err
	}
	return &Handshakes{c: c, board: cfg.Board, contract: cfg.Contract, node: cfg.Node, now: cfg.Now}, nil
}

// Collection gives the handshakes' documents, for the rooms that follow them.
func (s *Handshakes) Collection() *store.Collection[Handshake] { return s.c }

// Get reads one handshake, for its parties and those whose office it is. One that
// the job has not admitted is seen by its proposer alone.
func (s *Handshakes) Get(ctx context.Context, by market.Caller, id string) (store.Item[Handshake], error) {
	it, err := s.c.Get(ctx, id)
	if err != nil {
		return it, err
	}
	if !visible(&it.Doc, by) {
		return store.Item[Handshake]{}, store.ErrNotFound
	}
	return it, nil
}

// visible reports whether a caller may know of a handshake.
func visible(h *Handshake, by market.Caller) bool {
	roles := h.Roles(by)
	switch {
	case by.Reads(h.Market):
		return true
	case h.Shown:
		return len(roles) > 0
	case h.Origin == Invitation:
		return slices.Contains(roles, Employer)
	case h.Origin == Application:
		return slices.Contains(roles, Owner)
	}
	return false
}

// OfParty lists a party's handshakes, newest first.
func (s *Handshakes) OfParty(ctx context.Context, by market.Caller, party, cursor string, limit int) (store.Page[Handshake], error) {
	if !by.ActsFor(party) {
		return store.Page[Handshake]{}, store.ErrNotFound
	}
	page, err := s.c.Find(ctx, store.Range{Index: "party", Prefix: store.K(party), Cursor: cursor, Limit: limit, Descending: true})
	page.Items = slices.DeleteFunc(page.Items, func(it store.Item[Handshake]) bool { return !visible(&it.Doc, by) })
	return page, err
}

// OfJob lists a job's handshakes, for its employer and those whose office it is.
func (s *Handshakes) OfJob(ctx context.Context, by market.Caller, job, cursor string, limit int) (store.Page[Handshake], error) {
	it, err := s.board.Job(ctx, by, job)
	if err != nil {
		return store.Page[Handshake]{}, err
	}
	if !by.ActsFor(it.Doc.Employer) && !by.Reads(it.Doc.Market) {
		return store.Page[Handshake]{}, store.ErrNotFound
	}
	page, err := s.c.Find(ctx, store.Range{Index: "job", Prefix: store.K(job), Cursor: cursor, Limit: limit})
	page.Items = slices.DeleteFunc(page.Items, func(it store.Item[Handshake]) bool { return !visible(&it.Doc, by) })
	return page, err
}

// Event is what a caller does to a handshake.
type Event struct {
	As        Role // which side; may be empty where the caller acts for one side only
	Reason    string
	Terms     market.Terms
	Hash      string // of the terms accepted, or answered
	Protected string // of a signature
	Signature string
}

// Yes says yes to an offer.
func (s *Handshakes) Yes(ctx context.Context, by market.Caller, cmd store.Command, id string, e Event) (store.Item[Handshake], error) {
	return s.act(ctx, by, cmd, id, e, func(h *Handshake, r Role) ([]store.Entry, error) {
		return h.Yes(id, r, by.Person, cmd.At)
	})
}

// Decline says no to an offer.
func (s *Handshakes) Decline(ctx context.Context, by market.Caller, cmd store.Command, id string, e Event) (store.Item[Handshake], error) {
	return s.act(ctx, by, cmd, id, e, func(h *Handshake, r Role) ([]store.Entry, error) {
		return h.Decline(id, r, by.Person, e.Reason, cmd.At)
	})
}

// Withdraw takes back what is not agreed.
func (s *Handshakes) Withdraw(ctx context.Context, by market.Caller, cmd store.Command, id string, e Event) (store.Item[Handshake], error) {
	return s.act(ctx, by, cmd, id, e, func(h *Handshake, r Role) ([]store.Entry, error) {
		return h.Withdraw(id, r, by.Person, e.Reason, cmd.At)
	})
}

// Propose puts forward new terms.
func (s *Handshakes) Propose(ctx context.Context, by market.Caller, cmd store.Command, id string, e Event) (store.Item[Handshake], error) {
	return s.act(ctx, by, cmd, id, e, func(h *Handshake, r Role) ([]store.Entry, error) {
		return h.Propose(id, r, by.Person, e.Hash, e.Terms, cmd.At)
	})
}

// Accept says yes to terms by their hash.
func (s *Handshakes) Accept(ctx context.Context, by market.Caller, cmd store.Command, id string, e Event) (store.Item[Handshake], error) {
	return s.act(ctx, by, cmd, id, e, func(h *Handshake, r Role) ([]store.Entry, error) {
		return h.Accept(id, r, by.Person, e.Hash, cmd.At)
	})
}

// Sign signs what is agreed.
func (s *Handshakes) Sign(ctx context.Context, by market.Caller, cmd store.Command, id string, e Event) (store.Item[Handshake], error) {
	it, err := s.Get(ctx, by, id)
	if err != nil {
		return it, err
	}
	r, err := it.Doc.RoleOf(by, e.As)
	if err != nil {
		return store.Item[Handshake]{}, err
	}
	if it.Doc.side(r).Signed != nil {
		return it, nil
	}
	if it.Doc.Contract == "" {
		return store.Item[Handshake]{}, fault.New(fault.Conflict, "a handshake that is %s has nothing to sign", it.Doc.State)
	}
	signature, err := s.contract.Verify(ctx, id, &it.Doc, r, by.Person, e.Protected, e.Signature, cmd.At)
	if err != nil {
		return store.Item[Handshake]{}, err
	}
	return s.act(ctx, by, cmd, id, e, func(h *Handshake, r Role) ([]store.Entry, error) {
		return h.Sign(id, r, signature, cmd.At)
	})
}

// Refuse ends what is agreed without a signature.
func (s *Handshakes) Refuse(ctx context.Context, by market.Caller, cmd store.Command, id string, e Event) (store.Item[Handshake], error) {
	return s.act(ctx, by, cmd, id, e, func(h *Handshake, r Role) ([]store.Entry, error) {
		return h.RefuseToSign(id, r, by.Person, e.Reason, cmd.At)
	})
}

// BreakOff ends what is signed before its time.
func (s *Handshakes) BreakOff(ctx context.Context, by market.Caller, cmd store.Command, id string, e Event) (store.Item[Handshake], error) {
	return s.act(ctx, by, cmd, id, e, func(h *Handshake, r Role) ([]store.Entry, error) {
		return h.BreakOff(id, r, by.Person, e.Reason, cmd.At)
	})
}

// act has a caller's event done, and the steps that follow from it.
func (s *Handshakes) act(ctx context.Context, by market.Caller, cmd store.Command, id string, e Event, fn func(*Handshake, Role) ([]store.Entry, error)) (store.Item[Handshake], error) {
	it, err := s.update(ctx, id, cmd, func(h *Handshake) ([]store.Entry, error) {
		if !visible(h, by) {
			return nil, store.ErrNotFound
		}
		r, err := h.RoleOf(by, e.As)
		if err != nil {
			return nil, err
		}
		return fn(h, r)
	})
	if err != nil {
		return it, err
	}
	done, err := s.Advance(ctx, id)
	if err != nil {
		return done, err
	}
	done.Repeated = it.Repeated
	return done, notHeld(&it.Doc, &done.Doc)
}

// notHeld tells a caller whose yes or acceptance came to nothing, and why.
func notHeld(asked, now *Handshake) error {
	switch {
	case asked.Holding && now.State == Offered && now.Void != "":
		return fault.New(fault.Conflict, "%s", now.Void).WithFix("free people first, or decline the offer")
	case asked.Claiming && now.State == Negotiating && now.Void != "":
		return fault.New(fault.Conflict, "%s", now.Void).WithFix("propose terms with fewer people, or free people first")
	case asked.Claiming && now.State.Over():
		return fault.New(fault.Gone, "%s", now.Ending.Reason)
	}
	return nil
}

// update changes a handshake, finishing first what it finds unfinished.
func (s *Handshakes) update(ctx context.Context, id string, cmd store.Command, fn func(*Handshake) ([]store.Entry, error)) (store.Item[Handshake], error) {
	for {
		it, err := s.c.Update(ctx, id, cmd, fn)
		if !errors.Is(err, errUnfinished) {
			return it, err
		}
		if _, err := s.Advance(ctx, id); err != nil {
			return store.Item[Handshake]{}, err
		}
	}
}

// RoleOf gives the side for which a caller acts; as may be empty where they act
// for one side only. Errors: [fault.Forbidden], an [fault.Invalid] fault on "as".
func (h *Handshake) RoleOf(by market.Caller, as Role) (Role, error) {
	roles := h.Roles(by)
	switch {
	case len(roles) == 0:
		return "", fault.New(fault.Forbidden, "only the two parties may do this")
	case as == "" && len(roles) == 1:
		return roles[0], nil
	case slices.Contains(roles, as):
		return as, nil
	}
	return "", fault.Field("as", "it is not clear for which side you act", "say employer or owner, for a party that you act for")
}
