package api

import (
	"context"
	"encoding/json"
	"time"

	"hezuo/fault"
	"hezuo/market"
	"hezuo/store"
)

// QueueView is what waits for a market's operators.
type QueueView struct {
	Parties []PartyView `json:"parties"`
	Jobs    []JobView   `json:"jobs"`
}

func (s *Server) queue(ctx context.Context, in *MarketPath) (*of[QueueView], error) {
	by := visitorOf(ctx).caller
	q, err := s.cfg.Desk.Queue(ctx, by, in.Market)
	if err != nil {
		return nil, err
	}
	view := s.partyView(by)
	out := QueueView{Parties: []PartyView{}, Jobs: []JobView{}}
	for _, p := range q.Parties {
		out.Parties = append(out.Parties, view(p))
	}
	for _, j := range q.Jobs {
		out.Jobs = append(out.Jobs, jobView(j))
	}
	return answered(out, 0), nil
}

func (s *Server) reviewJob(ctx context.Context, in *struct {
	JobPath
	Body market.Decision
},
) (*of[JobView], error) {
	by, cmd := s.act(ctx)
	it, err := s.cfg.Desk.DecideJob(ctx, by, cmd, in.Job, in.Body)
	return one(it, err, jobView)
}

func (s *Server) removeJob(ctx context.Context, in *struct {
	JobPath
	Body Reason
},
) (*of[JobView], error) {
	by, cmd := s.act(ctx)
	it, err := s.cfg.Desk.RemoveJob(ctx, by, cmd, in.Job, in.Body.Reason)
	return one(it, err, jobView)
}

// AuditEntry is one record of a document's trail.
type AuditEntry struct {
	N  int64     `json:"n"`
	At time.Time `json:"at"`
	store.AuditRecord
}

func (s *Server) auditTrail(ctx context.Context, in *struct {
	Collection string `path:"collection" maxLength:"40"`
	ID         string `path:"id" maxLength:"80"`
	Since
},
) (*of[List[AuditEntry]], error) {
	by := visitorOf(ctx).caller
	if err := s.mayAudit(ctx, by, in.Collection, in.ID); err != nil {
		return nil, err
	}
	records, err := s.cfg.DB.Read(ctx, store.AuditLog(in.Collection, in.ID), in.After, in.Limit)
	if err != nil {
		return nil, err
	}
	out := List[AuditEntry]{Items: make([]AuditEntry, len(records))}
	for i, r := range records {
		out.Items[i].N, out.Items[i].At = r.N, r.At
		if err := json.Unmarshal(r.Body, &out.Items[i].AuditRecord); err != nil {
			return nil, err
		}
	}
	return answered(out, 0), nil
}

// mayAudit lets auditors read every trail, and operators those of their market's
// documents.
func (s *Server) mayAudit(ctx context.Context, by market.Caller, collection, id string) error {
	if by.Auditor {
		return nil
	}
	county := ""
	switch collection {
	case "markets":
		county = id
	case "jobs":
		it, err := s.cfg.Board.Jobs.Get(ctx, id)
		if err != nil {
			return err
		}
		county = it.Doc.Market
	case "teams":
		it, err := s.cfg.Board.Teams.Get(ctx, id)
		if err != nil {
			return err
		}
		county = it.Doc.Market
	case "parties":
		it, err := s.cfg.Board.PartyByID(ctx, id)
		if err != nil {
			return err
		}
		county = it.Doc.Market
	case "handshakes":
		it, err := s.cfg.Handshakes.Collection().Get(ctx, id)
		if err != nil {
			return err
		}
		county = it.Doc.Market
	default:
		return fault.New(fault.Forbidden, "only auditors read these trails")
	}
	if !by.Reads(county) {
		return store.ErrNotFound
	}
	return nil
}
