package agreement

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"hezuo/market"
)

// Summary says what an agreement is about, for people.
type Summary struct {
	Agreement string    `json:"agreement"`
	Handshake string    `json:"handshake"`
	Employer  string    `json:"employer"` // as the contract names it
	Owner     string    `json:"owner"`
	Task      string    `json:"task"`
	Place     string    `json:"place"`
	From      string    `json:"from"`
	To        string    `json:"to"`
	People    int       `json:"people"`
	Hours     float64   `json:"hours_per_day"`
	Pay       string    `json:"pay"` // with its unit, in Chinese
	SignedAt  time.Time `json:"signed_at,omitzero"`
	Zh        string    `json:"zh"`
	En        string    `json:"en"`
}

// payUnitsEn are the units of pay in English.
var payUnitsEn = map[string]string{"hour": "yuan an hour and person", "day": "yuan a day and person", "piece": "yuan a piece", "lump_sum": "yuan in all"}

// summarise puts a contract in sentences.
func summarise(c *Contract) *Summary {
	t := c.Terms
	s := &Summary{
		Agreement: ID(c.Handshake), Handshake: c.Handshake,
		Employer: c.Parties.Employer.name(), Owner: c.Parties.Owner.name(),
		Task: t.Task, Place: t.Site.words(), From: t.Period.From, To: t.Period.To, People: t.People, Hours: t.HoursPerDay,
		Pay: market.Fen(t.Pay.Amount).String() + payUnits[t.Pay.Unit],
	}
	hours := strconv.FormatFloat(t.HoursPerDay, 'f', -1, 64)
	task := strings.TrimRight(s.Task, "。；;. \n")
	s.Zh = fmt.Sprintf("用工主体：%s；队伍所有方：%s；任务：%s；地点：%s；%s至%s，每天%d人，每天%s小时；报酬%s，%s。",
		s.Employer, s.Owner, task, s.Place, s.From, s.To, s.People, hours, s.Pay, payDays[t.PayDay])
	s.En = fmt.Sprintf("Employer: %s. Team's owner: %s. Task: %s. Place: %s. From %s to %s, %d people on each day, %s hours a day. Pay: %s %s, due %s.",
		s.Employer, s.Owner, task, s.Place, s.From, s.To, s.People, hours, market.Fen(t.Pay.Amount), payUnitsEn[t.Pay.Unit], t.PayDay)
	return s
}

// signed adds when the agreement came about.
func (s *Summary) signed(at time.Time) {
	s.SignedAt = at
	local := at.In(market.Shanghai).Format("2006-01-02 15:04:05")
	s.Zh += "签署时间：" + local + "（北京时间）。"
	s.En += " Signed at " + local + " (UTC+8)."
}

// name gives a party's name, and its credit code if it has one.
func (p *Party) name() string {
	if p.CreditCode == "" {
		return p.Name
	}
	return p.Name + "（" + p.CreditCode + "）"
}

// words names a site. A place that is not known any more is named by its code.
func (s Site) words() string {
	name := s.Place
	if p, ok := market.PlaceByCode(s.Place); ok {
		name = p.Name
		if parent, ok := market.PlaceByCode(p.Parent); ok {
			name = parent.Name + name
		}
	}
	return name + s.Detail
}
