package matching

import (
	"context"
	"errors"
	"slices"

	"hezuo/fault"
	"hezuo/market"
	"hezuo/store"
)

// Invite is an employer's offer of a job to a team of their choice. people 0
// means as many as the team and the job have.
func (s *Handshakes) Invite(ctx context.Context, by market.Caller, cmd store.Command, job, team string, people int) (store.Item[Handshake], error) {
	id := store.DeriveID("h", by.Person, cmd.ID)
	if it, err := s.repeated(ctx, cmd, id); !errors.Is(err, store.ErrNotFound) {
		return it, err
	}
	j, t, err := s.pair(ctx, by, job, team)
	if err != nil {
		return store.Item[Handshake]{}, err
	}
	if !by.ActsFor(j.Doc.Employer) {
		return store.Item[Handshake]{}, fault.New(fault.Forbidden, "only the job's employer invites teams to it")
	}
	return s.propose(ctx, cmd, id, Invitation, j, t, people, by.Person)
}

// Apply is a team owner's offer of the team to a job. people 0 means as many as
// the team and the job have.
func (s *Handshakes) Apply(ctx context.Context, by market.Caller, cmd store.Command, job, team string, people int) (store.Item[Handshake], error) {
	id := store.DeriveID("h", by.Person, cmd.ID)
	if it, err := s.repeated(ctx, cmd, id); !errors.Is(err, store.ErrNotFound) {
		return it, err
	}
	j, t, err := s.pair(ctx, by, job, team)
	if err != nil {
		return store.Item[Handshake]{}, err
	}
	if !by.ActsFor(t.Doc.Owner) {
		return store.Item[Handshake]{}, fault.New(fault.Forbidden, "only the team's owner applies with it")
	}
	return s.propose(ctx, cmd, id, Application, j, t, people, by.Person)
}

// repeated gives the handshake that a command made before, whose id follows from
// the command: what has become of job and team since is no matter. Errors:
// [store.ErrNotFound] where it made none, [store.ErrReused].
func (s *Handshakes) repeated(ctx context.Context, cmd store.Command, id string) (store.Item[Handshake], error) {
	if _, err := s.c.Update(ctx, id, cmd, func(*Handshake) ([]store.Entry, error) { return nil, nil }); err != nil {
		return store.Item[Handshake]{}, err
	}
	it, err := s.Advance(ctx, id)
	it.Repeated = err == nil
	return it, err
}

func (s *Handshakes) pair(ctx context.Context, by market.Caller, job, team string) (j store.Item[market.Job], t store.Item[market.Team], err error) {
	if j, err = s.board.Job(ctx, by, job); err != nil {
		return j, t, named(err, "job", "take the id of a job on the market")
	}
	if t, err = s.board.Team(ctx, by, team); err != nil {
		return j, t, named(err, "team", "take the id of a team on the market")
	}
	return j, t, nil
}

// named says which of several ids was not found.
func named(err error, field, fix string) error {
	if errors.Is(err, store.ErrNotFound) {
		return fault.Field(field, "there is none with this id", fix)
	}
	return err
}

// propose records the intent, and has the job answer it.
func (s *Handshakes) propose(ctx context.Context, cmd store.Command, id string, origin Origin, j store.Item[market.Job], t store.Item[market.Team], people int, by string) (store.Item[Handshake], error) {
	employer, err := s.board.PartyByID(ctx, j.Doc.Employer)
	if err != nil {
		return store.Item[Handshake]{}, err
	}
	owner, err := s.board.PartyByID(ctx, t.Doc.Owner)
	if err != nil {
		return store.Item[Handshake]{}, err
	}
	if err := errors.Join(employer.Doc.MayPost(cmd.At), owner.Doc.MayPost(cmd.At)); err != nil {
		return store.Item[Handshake]{}, err
	}
	if t.Doc.Owner == j.Doc.Employer {
		return store.Item[Handshake]{}, fault.Field("team", "a party does not shake hands with itself", "choose another party's team")
	}
	if t.Doc.State != market.TeamOpen {
		return store.Item[Handshake]{}, fault.New(fault.Conflict, "the team is not on the market").WithFix("put it on the market first")
	}
	candidate, obstacle := judge(t.ID, &t.Doc, &j.Doc, anywhere, cmd.At)
	if obstacle != "" && obstacle != PayTooLow && obstacle != TooFar { // what the two may settle between them is left to them
		return store.Item[Handshake]{}, fault.New(fault.Conflict, "%s", explain(obstacle, 1, anywhere).En)
	}
	if people == 0 {
		people = candidate.People
	}
	if people < t.Doc.Post.Smallest || people > min(t.Doc.Post.Headcount, j.Doc.Post.Headcount) {
		return store.Item[Handshake]{}, fault.Field("people", "the team cannot send so many, or so few", "give at least its smallest group, and at most its headcount and the job's")
	}
	tier := owner.Doc.Tier(cmd.At)
	// The job's answer to the intent decides; what it would refuse now is refused
	// without leaving a handshake that never was.
	trial := j.Doc
	trial.Admitted = slices.Clone(trial.Admitted)
	if _, err := trial.Admit(market.Admission{Handshake: id, Team: t.ID, Tier: tier, People: people}, cmd.At); err != nil {
		return store.Item[Handshake]{}, err
	}
	it, err := s.c.Create(ctx, id, cmd, func(h *Handshake) ([]store.Entry, error) {
		*h = Handshake{
			Market: j.Doc.Market, Job: j.ID, Team: t.ID, Origin: origin, Tier: tier, People: people,
			Period:   j.Doc.Post.Period,
			Limits:   Limits{Trade: j.Doc.Post.Trade, Headcount: j.Doc.Post.Headcount, Until: j.Doc.Post.Deadline.UTC(), Opening: j.Doc.Post},
			Timing:   j.Doc.Settings.Deadlines,
			State:    Proposed,
			Employer: Side{Party: j.Doc.Employer, People: employer.Doc.People},
			Owner:    Side{Party: t.Doc.Owner, People: owner.Doc.People},
			Score:    candidate.Score, Created: cmd.At.UTC(),
		}
		act := &Act{by, cmd.At.UTC()}
		switch origin {
		case Invitation:
			h.Employer.Yes = act
		case Application:
			h.Owner.Yes = act
		case FromEngine:
		}
		return []store.Entry{store.Audit("handshake.propose", string(origin), candidate.Score), {Log: Feed(h.Market), Kind: "handshake.proposed"}}, nil
	})
	if err != nil {
		return it, err
	}
	done, err := s.Advance(ctx, it.ID)
	done.Repeated = it.Repeated
	return done, err
}

// anywhere is no limit on distance, km.
const anywhere = 1e6
