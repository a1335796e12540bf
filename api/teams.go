package api

import (
	"context"
	"time"

	"hezuo/market"
	"hezuo/store"
)

// TeamView is a team as people see it.
type TeamView struct {
	ID      string                 `json:"id"`
	Market  string                 `json:"market"`
	Owner   string                 `json:"owner"`
	Tier    int                    `json:"tier"`
	State   market.TeamState       `json:"state"`
	Post    market.TeamPost        `json:"post"`
	Holds   map[string]market.Hold `json:"holds,omitempty" doc:"What it has promised, by handshake; for its owner"`
	Created time.Time              `json:"created"`
	Opened  time.Time              `json:"opened,omitzero"`
	Rev     int64                  `json:"rev"`
}

func teamView(by market.Caller) func(store.Item[market.Team]) TeamView {
	return func(it store.Item[market.Team]) TeamView {
		t := it.Doc
		v := TeamView{ID: it.ID, Market: t.Market, Owner: t.Owner, Tier: t.Tier, State: t.State, Post: t.Post, Created: t.Created, Opened: t.Opened, Rev: it.Rev}
		if by.ActsFor(t.Owner) || by.Reads(t.Market) {
			v.Holds = t.Holds
		}
		return v
	}
}

// TeamPath names a team.
type TeamPath struct {
	Team string `path:"team"`
}

// TeamRequest writes a team.
type TeamRequest struct {
	Owner string `json:"owner" maxLength:"40" doc:"Id of the owner, one of your parties"`
	market.TeamPost
}

func (s *Server) createTeam(ctx context.Context, in *struct{ Body TeamRequest }) (*of[TeamView], error) {
	by, cmd := s.act(ctx)
	it, err := s.cfg.Board.CreateTeam(ctx, by, cmd, in.Body.Owner, in.Body.TeamPost)
	return one(it, err, teamView(by))
}

func (s *Server) partyTeams(ctx context.Context, in *struct {
	PartyPath
	Paging
},
) (*of[Page[TeamView]], error) {
	by := visitorOf(ctx).caller
	p, err := s.cfg.Board.TeamsOf(ctx, by, in.Party, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	return page(p, teamView(by)), nil
}

func (s *Server) team(ctx context.Context, in *TeamPath) (*of[TeamView], error) {
	by := visitorOf(ctx).caller
	it, err := s.cfg.Board.Team(ctx, by, in.Team)
	return one(it, err, teamView(by))
}

func (s *Server) editTeam(ctx context.Context, in *struct {
	TeamPath
	Body market.TeamPost
},
) (*of[TeamView], error) {
	by, cmd := s.act(ctx)
	it, err := s.cfg.Board.EditTeam(ctx, by, cmd, in.Team, in.Body)
	return one(it, err, teamView(by))
}

func (s *Server) openTeam(ctx context.Context, in *TeamPath) (*of[TeamView], error) {
	by, cmd := s.act(ctx)
	it, err := s.cfg.Board.OpenTeam(ctx, by, cmd, in.Team)
	return one(it, err, teamView(by))
}

func (s *Server) closeTeam(ctx context.Context, in *struct {
	TeamPath
	Body Reason
},
) (*of[TeamView], error) {
	by, cmd := s.act(ctx)
	it, err := s.cfg.Board.CloseTeam(ctx, by, cmd, in.Team, in.Body.Reason)
	return one(it, err, teamView(by))
}
