package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"hezuo/api"
	"hezuo/fault"
	"hezuo/market"
	"hezuo/matching"

	"hezuo/api/client"
)

func (s *story) employerSignsIn(ctx context.Context) error {
	if err := s.signIn(ctx, s.employer); err != nil {
		return err
	}
	if _, err := s.employer.Do(ctx, http.MethodPut, "/v1/me/name", map[string]string{"name": s.employer.who.name}, nil); err != nil {
		return err
	}
	me, err := client.Get[api.Me](ctx, s.employer.Client, "/v1/me")
	if err != nil {
		return err
	}
	s.says("signed in as %s, phone %s", me.ID, me.Phone)
	return holds(me.ID == s.employer.Person(), "the session is of %s", me.ID)
}

func (s *story) employerRegisters(ctx context.Context) error {
	p, err := client.Post[api.PartyView](ctx, s.employer.Client, "/v1/parties", s.town.cast.firm)
	if err != nil {
		return err
	}
	s.firm = p.ID
	s.says("%s, credit code %s: %s", p.Name, p.CreditCode, p.State)
	return holds(p.State == market.Pending, "a new party is %s", p.State)
}

func (s *story) operatorVerifies(ctx context.Context) error {
	if err := s.signIn(ctx, s.operator); err != nil {
		return err
	}
	q, err := client.Get[api.QueueView](ctx, s.operator.Client, "/v1/markets/"+s.town.cast.county.Code+"/queue")
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(q.Parties, func(p api.PartyView) bool { return p.ID == s.firm }) {
		return fmt.Errorf("the queue of %d parties has not the new one", len(q.Parties))
	}
	s.says("the desk of %s零工市场: %d parties and %d posts wait", s.town.cast.county.Name, len(q.Parties), len(q.Jobs))
	d := market.Decision{Approve: true, Reason: "营业执照与登记信息一致，经办人授权书已核验"}
	p, err := client.Post[api.PartyView](ctx, s.operator.Client, "/v1/parties/"+s.firm+"/verification", d)
	if err != nil {
		return err
	}
	s.says("%s until %s: %s", p.State, market.DateOf(p.Until), p.Reason)
	return holds(p.State == market.Verified, "the party is %s", p.State)
}

func (s *story) employerPosts(ctx context.Context) error {
	j, err := client.Post[api.JobView](ctx, s.employer.Client, "/v1/jobs", api.JobRequest{Employer: s.firm, JobPost: s.town.cast.post})
	if err != nil {
		return err
	}
	s.job = j.ID
	if j, err = client.Post[api.JobView](ctx, s.employer.Client, "/v1/jobs/"+s.job+"/submission", nil); err != nil {
		return err
	}
	s.says("%s: %d people on %s, %s yuan a %s, apply until %s", j.Post.Title, j.Post.Headcount, j.Post.Period.From,
		j.Post.Pay.Amount, j.Post.Pay.Unit, j.Post.Deadline.In(market.Shanghai).Format("01-02 15:04"))
	return holds(j.State == market.JobInReview, "the post is %s", j.State)
}

func (s *story) othersComeOnline(ctx context.Context) error {
	for _, a := range []*actor{s.employer, s.leader, s.agency} {
		if err := s.online(ctx, a); err != nil {
			return err
		}
	}
	for _, a := range []struct {
		*actor
		team *string
	}{{s.leader, nil}, {s.agency, &s.agencyTeam}} {
		mine, err := client.Get[api.Page[api.PartyView]](ctx, a.Client, "/v1/me/parties")
		if err != nil {
			return err
		}
		if len(mine.Items) != 1 {
			return fmt.Errorf("%d parties where one was made", len(mine.Items))
		}
		p := mine.Items[0]
		teams, err := client.Get[api.Page[api.TeamView]](ctx, a.Client, "/v1/parties/"+p.ID+"/teams")
		if err != nil {
			return err
		}
		if a.team != nil {
			*a.team = teams.Items[0].ID
		}
		s.says("%s (tier %d), team %s of %d people", p.Name, p.Tier, teams.Items[0].Post.Name, teams.Items[0].Post.Headcount)
	}
	return nil
}

func (s *story) operatorApproves(ctx context.Context) error {
	d := market.Decision{Approve: true, Reason: "用工主体已核验，地点、人数、报酬齐全，予以发布"}
	j, err := client.Post[api.JobView](ctx, s.operator.Client, "/v1/jobs/"+s.job+"/review", d)
	if err != nil {
		return err
	}
	if j.State != market.JobOpen || j.Look == nil || !j.Look.Open {
		return fmt.Errorf("the job is %s, and its first look is not open", j.State)
	}
	s.says("open; until %s, or until every cooperative's team has answered, only cooperatives are offered it",
		j.Look.Ends.In(market.Shanghai).Format("15:04"))
	return nil
}

func (s *story) offerRings(ctx context.Context) error {
	news, err := s.rings(ctx, s.leader, "handshake.offer")
	if err != nil {
		return err
	}
	s.handshake = news.Handshake
	h, err := client.Get[api.HandshakeView](ctx, s.leader.Client, "/v1/handshakes/"+s.handshake)
	if err != nil {
		return err
	}
	s.says("for %d of the team, to be answered until %s; %.1f km away, %d points:", h.People,
		h.Deadline.In(market.Shanghai).Format("15:04"), h.Score.DistanceKm, h.Score.Total)
	for _, p := range h.Score.Parts {
		s.says("  %3d of %3d  %s (%s)", p.Points, p.Most, p.Why.Zh, p.Why.En)
	}
	if h.State != matching.Offered || h.Tier != 1 || h.People != s.town.cast.post.Headcount {
		return fmt.Errorf("the offer is %s, of tier %d, for %d people", h.State, h.Tier, h.People)
	}
	for _, e := range s.agency.inbox.Entries() {
		if e.Kind == "handshake.offer" && jobOf(e.Body) == s.job {
			return fmt.Errorf("the agency was offered the job in the cooperatives' first look")
		}
	}
	j, err := client.Get[api.JobView](ctx, s.leader.Client, "/v1/jobs/"+s.job)
	if err != nil {
		return err
	}
	s.says("the first look lists %d teams of cooperatives that could do it; the nearest that can send all twelve is asked first", j.Look.Teams)
	return nil
}

func (s *story) agencyIsRefused(ctx context.Context) error {
	list, err := client.Get[api.Page[api.JobView]](ctx, s.agency.Client, "/v1/jobs?market="+s.town.cast.county.Code+"&trade="+s.town.cast.post.Trade)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(list.Items, func(j api.JobView) bool { return j.ID == s.job }) {
		return fmt.Errorf("the public list has not the job")
	}
	err = post(ctx, s.agency, "/v1/jobs/"+s.job+"/applications", api.TeamChoice{Team: s.agencyTeam, People: 12})
	return s.refused(err, fault.Conflict, "the agency's application")
}
