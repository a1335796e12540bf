package market

import (
	"context"
	"errors"

	"hezuo/fault"
	"hezuo/store"
)

// teamSpec says how teams are kept and found.
func teamSpec() store.Spec[Team] {
	return store.Spec[Team]{Name: "teams", Indexes: []store.Index[Team]{
		{Name: "owner", Version: 1, Keys: func(_ string, t *Team) []store.Key {
			return []store.Key{store.K(t.Owner, t.Created)}
		}},
		{Name: "trade", Version: 1, Keys: func(_ string, t *Team) []store.Key {
			if t.State != TeamOpen {
				return nil
			}
			out := make([]store.Key, len(t.Post.Trades))
			for i, trade := range t.Post.Trades {
				out[i] = store.K(trade, t.Opened)
			}
			return out
		}},
	}}
}

// CreateTeam writes a draft for a party that the caller acts for. Errors: faults
// on the post's fields.
func (b *Board) CreateTeam(ctx context.Context, by Caller, cmd store.Command, owner string, post TeamPost) (store.Item[Team], error) {
	party, err := b.parties.Get(ctx, owner)
	if errors.Is(err, store.ErrNotFound) || err == nil && !by.ActsFor(owner) {
		return store.Item[Team]{}, fault.Field("owner", "you act for no such party", "take the id of one of your parties, from /v1/me/parties")
	}
	if err != nil {
		return store.Item[Team]{}, err
	}
	if err := post.Validate(cmd.At); err != nil {
		return store.Item[Team]{}, err
	}
	return b.Teams.Create(ctx, store.DeriveID("t", by.Person, cmd.ID), cmd, func(t *Team) ([]store.Entry, error) {
		*t = Team{Market: party.Doc.Market, Owner: owner, Tier: party.Doc.Tier(cmd.At), Post: post, State: TeamDraft, Created: cmd.At.UTC()}
		return []store.Entry{store.Audit("team.create", "", nil)}, nil
	})
}

// Team reads one team. One on the market may be seen by anybody signed in, others
// by their owner and those whose office it is.
func (b *Board) Team(ctx context.Context, by Caller, id string) (store.Item[Team], error) {
	it, err := b.Teams.Get(ctx, id)
	if err != nil {
		return it, err
	}
	if it.Doc.State != TeamOpen && !by.ActsFor(it.Doc.Owner) && !by.Reads(it.Doc.Market) {
		return store.Item[Team]{}, store.ErrNotFound
	}
	return it, nil
}

// TeamsOf lists a party's teams, newest first.
func (b *Board) TeamsOf(ctx context.Context, by Caller, owner, cursor string, limit int) (store.Page[Team], error) {
	if err := by.mustActFor(owner); err != nil {
		return store.Page[Team]{}, err
	}
	return b.Teams.Find(ctx, store.Range{Index: "owner", Prefix: store.K(owner), Cursor: cursor, Limit: limit, Descending: true})
}

// EditTeam changes a team.
func (b *Board) EditTeam(ctx context.Context, by Caller, cmd store.Command, id string, post TeamPost) (store.Item[Team], error) {
	return b.ownTeam(ctx, by, cmd, id, func(t *Team) ([]store.Entry, error) { return t.Edit(post, cmd.At) })
}

// OpenTeam puts a team on the market. Its owner must be verified.
func (b *Board) OpenTeam(ctx context.Context, by Caller, cmd store.Command, id string) (store.Item[Team], error) {
	it, err := b.Team(ctx, by, id)
	if err != nil {
		return it, err
	}
	party, err := b.parties.Get(ctx, it.Doc.Owner)
	if err != nil {
		return store.Item[Team]{}, err
	}
	if err := party.Doc.MayPost(cmd.At); by.ActsFor(it.Doc.Owner) && err != nil {
		return store.Item[Team]{}, err
	}
	tier := party.Doc.Tier(cmd.At)
	return b.ownTeam(ctx, by, cmd, id, func(t *Team) ([]store.Entry, error) { return t.Open(tier, cmd.At) })
}

// CloseTeam takes a team off the market.
func (b *Board) CloseTeam(ctx context.Context, by Caller, cmd store.Command, id, reason string) (store.Item[Team], error) {
	return b.ownTeam(ctx, by, cmd, id, func(t *Team) ([]store.Entry, error) { return t.Close(reason) })
}

func (b *Board) ownTeam(ctx context.Context, by Caller, cmd store.Command, id string, fn func(*Team) ([]store.Entry, error)) (store.Item[Team], error) {
	return b.Teams.Update(ctx, id, cmd, func(t *Team) ([]store.Entry, error) {
		if !by.ActsFor(t.Owner) {
			if t.State == TeamOpen {
				return nil, fault.New(fault.Forbidden, "only its owner may do this")
			}
			return nil, store.ErrNotFound
		}
		return fn(t)
	})
}

func isDuplicate(err error) bool { return errors.Is(err, store.ErrDuplicate) }
