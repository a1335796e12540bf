package matching

import (
	"fmt"
	"math"
	"time"

	"hezuo/market"
)

// Score says how well a team fits a job, with its parts: 0 to 1000 points.
type Score struct {
	Total      int     `json:"total"`
	DistanceKm float64 `json:"distance_km"`
	Parts      []Part  `json:"parts,omitempty"`
}

// Part is one reason for a score.
type Part struct {
	Name   string      `json:"name"`
	Points int         `json:"points"`
	Most   int         `json:"most"`
	Why    market.Text `json:"why"`
}

// The most that each part can bring.
const (
	pointsDistance = 400
	pointsPay      = 250
	pointsPeople   = 250
	pointsWaiting  = 100
)

// Candidate is a team that could do a job now.
type Candidate struct {
	Team   string      `json:"team"`
	Owner  string      `json:"owner"`
	Name   string      `json:"name"`
	Tier   int         `json:"tier"`
	People int         `json:"people"` // how many of it the job could take
	Least  int         `json:"least"`  // the smallest group that it sends
	Score  Score       `json:"score"`
	Why    market.Text `json:"why"`
}

// Obstacle is why a team cannot do a job. The set is closed.
type Obstacle string

// The obstacles, in the order in which they are looked for.
const (
	NotFree     Obstacle = "not_free"     // not on the job's days, or promised
	TooFew      Obstacle = "too_few"      // too few of it are free for its smallest group
	TooMany     Obstacle = "too_many"     // its smallest group is more than the job has places for
	TooFar      Obstacle = "too_far"      // for its radius, or the market's
	PayTooLow   Obstacle = "pay_too_low"  // for its lowest pay
	NotVerified Obstacle = "not_verified" // its owner may not post now
	AskedBefore Obstacle = "asked_before" // it was offered the job, or is in talks about it
)

// judge measures a team against a job: the candidate that it is, or would be but
// for the distance or the pay, and the first obstacle.
func judge(id string, t *market.Team, j *market.Job, radius float64, now time.Time) (Candidate, Obstacle) {
	post := j.Post
	free := t.Available(post.Period, "")
	people := min(free, j.Free())
	distance := market.Distance(t.Post.Base.Where(), post.Where())
	daily, known := post.Pay.Daily(post.HoursPerDay, post.Headcount, post.Period.Days())
	var obstacle Obstacle
	switch {
	case free == 0:
		return Candidate{}, NotFree
	case free < t.Post.Smallest:
		return Candidate{}, TooFew
	case j.Free() < t.Post.Smallest:
		return Candidate{}, TooMany
	case distance > min(t.Post.RadiusKm, radius):
		obstacle = TooFar
	case known && daily < t.Post.LowestPay:
		obstacle = PayTooLow
	}
	c := Candidate{Team: id, Owner: t.Owner, Name: t.Post.Name, Tier: t.Tier, People: people, Least: t.Post.Smallest}
	c.Score = score(t, j, people, distance, daily, known, now)
	c.Why = why(c, post)
	return c, obstacle
}

// score adds up what speaks for a team.
func score(t *market.Team, j *market.Job, people int, distance float64, daily market.Fen, known bool, now time.Time) Score {
	part := func(name string, most int, share float64, zh, en string) Part {
		return Part{Name: name, Most: most, Points: int(math.Round(float64(most) * min(1, max(0, share)))), Why: market.Text{Zh: zh, En: en}}
	}
	above := 0.5 // pay by the piece cannot be compared
	payZh, payEn := "计件工资，无法按日比较", "piece pay: it cannot be compared by the day"
	if known {
		above = float64(daily-t.Post.LowestPay) / float64(max(1, daily))
		payZh = fmt.Sprintf("日薪约%s元，队伍最低要求%s元", daily, t.Post.LowestPay)
		payEn = fmt.Sprintf("about %s yuan a day; the team asks at least %s", daily, t.Post.LowestPay)
	}
	waited := now.Sub(t.Opened)
	s := Score{DistanceKm: math.Round(distance*10) / 10, Parts: []Part{
		part("distance", pointsDistance, 1-distance/t.Post.RadiusKm,
			fmt.Sprintf("距离%.1f公里，队伍可接受%.0f公里", distance, t.Post.RadiusKm),
			fmt.Sprintf("%.1f km away; the team goes up to %.0f km", distance, t.Post.RadiusKm)),
		part("pay", pointsPay, above*2, payZh, payEn),
		part("people", pointsPeople, float64(people)/float64(max(1, j.Free())),
			fmt.Sprintf("可出%d人，尚缺%d人", people, j.Free()),
			fmt.Sprintf("%d people for %d free places", people, j.Free())),
		part("waiting", pointsWaiting, waited.Hours()/(14*24),
			fmt.Sprintf("已等待%d天", int(waited.Hours()/24)),
			fmt.Sprintf("on the market for %d days", int(waited.Hours()/24))),
	}}
	for _, p := range s.Parts {
		s.Total += p.Points
	}
	return s
}

// why puts a candidate in a sentence.
func why(c Candidate, p market.JobPost) market.Text {
	tierZh := [...]string{"", "合作社，优先对接", "与合作社合作的持证机构", "其他队伍"}[c.Tier]
	tierEn := [...]string{"", "a cooperative, which comes first", "a licensed agency that works with cooperatives", "another party"}[c.Tier]
	return market.Text{
		Zh: fmt.Sprintf("%s；工种相符；%s至%s有%d人空闲；距离%.1f公里；评分%d", tierZh, p.Period.From, p.Period.To, c.People, c.Score.DistanceKm, c.Score.Total),
		En: fmt.Sprintf("%s; does this trade; %d people are free from %s to %s; %.1f km away; %d points", tierEn, c.People, p.Period.From, p.Period.To, c.Score.DistanceKm, c.Score.Total),
	}
}

// Obstructed counts the teams of the trade that an obstacle keeps from a job.
type Obstructed struct {
	Obstacle Obstacle    `json:"obstacle"`
	Teams    int         `json:"teams"`
	Why      market.Text `json:"why"`
}

// explain puts a count of obstructed teams in a sentence.
func explain(o Obstacle, n int, radius float64) market.Text {
	switch o {
	case NotFree:
		return market.Text{Zh: fmt.Sprintf("%d支队伍工种相符，但这些天没有空", n), En: fmt.Sprintf("%d teams do this trade but are not free on these days", n)}
	case TooFew:
		return market.Text{Zh: fmt.Sprintf("%d支队伍这些天空闲的人不足其最小编组", n), En: fmt.Sprintf("%d teams have fewer people free on these days than the smallest group they send", n)}
	case TooMany:
		return market.Text{Zh: fmt.Sprintf("%d支队伍的最小编组超过剩余名额", n), En: fmt.Sprintf("%d teams go only in groups larger than the free places", n)}
	case TooFar:
		return market.Text{Zh: fmt.Sprintf("%d支队伍有空，但距离超过其范围或本市场的%.0f公里", n, radius), En: fmt.Sprintf("%d teams are free but further away than they go, or than the market's %.0f km", n, radius)}
	case PayTooLow:
		return market.Text{Zh: fmt.Sprintf("%d支队伍有空，但要求的工资更高", n), En: fmt.Sprintf("%d teams are free but ask for more pay", n)}
	case NotVerified:
		return market.Text{Zh: fmt.Sprintf("%d支队伍的主体未通过核验或核验已到期", n), En: fmt.Sprintf("%d teams belong to parties that are not verified now", n)}
	case AskedBefore:
		return market.Text{Zh: fmt.Sprintf("%d支队伍已被邀约或正在洽谈", n), En: fmt.Sprintf("%d teams were offered this job already, or are in talks about it", n)}
	}
	return market.Text{}
}
