"""Faults of one line each, as somebody could make them: a check dropped, an order turned, one too many or too few."""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Mutation:
    name: str
    file: str  # in rules/
    old: str  # part of the file, there once
    new: str
    nth: int = 0
    repeats: bool = False  # `old` is there more than once: the first, or the nth, is meant


def mutated(text, mutation):
    """The file with its one line changed; the line must be there as often as the mutation says, once unless it does."""
    count = text.count(mutation.old)
    if count <= mutation.nth:
        raise ValueError(f"{mutation.name}: {mutation.file} has no line\n  {mutation.old}")
    if count > 1 and mutation.nth == 0 and not mutation.repeats:
        raise ValueError(f"{mutation.name}: {mutation.file} has {count} of\n  {mutation.old}")
    at = -1
    for _ in range(mutation.nth + 1):
        at = text.index(mutation.old, at + 1)
    return text[:at] + mutation.new + text[at + len(mutation.old):]


MUTATIONS = [
    # Who can take something.
    Mutation("capacity_one_too_many", "core_ready.c", "if (data->load[channel] >= core->config",
             "if (data->load[channel] > core->config"),
    Mutation("wrap_up_not_asked", "core_ready.c", "    if (data->wrap_until != TIME_NEVER)", "    if (0)"),
    Mutation("cool_down_not_asked", "core_ready.c", "    if (data->cool_until != TIME_NEVER)", "    if (0)"),
    Mutation("presence_not_asked", "core_ready.c", "    if (data->state != AGENT_AVAILABLE)", "    if (data->state == AGENT_OFFLINE)"),
    Mutation("exclusive_not_asked", "core_ready.c", "if (core->config->exclusive[channel] && agent->data.load[channel] > 0)",
             "if (core->config->exclusive[channel] && agent->data.load[channel] > 1)"),
    Mutation("skill_level_off_by_one", "lane.c", "if (level < needs->items[i].level)", "if (level + 1 < needs->items[i].level)"),
    # Who is first.
    Mutation("round_robin_by_the_wrong_channel", "core_ready.c", "rank.first = (int64_t)data->turn[channel];",
             "rank.first = (int64_t)data->turn[0];"),
    Mutation("most_spare_turned", "core_ready.c", "rank.first = -((int64_t)config->capacity[channel] - data->load[channel]);",
             "rank.first = ((int64_t)config->capacity[channel] - data->load[channel]);"),
    Mutation("pack_turned", "core_ready.c", "rank.first = (int64_t)config->capacity[channel] - data->load[channel];",
             "rank.first = (int64_t)data->load[channel] - config->capacity[channel];"),
    Mutation("most_skilled_turned", "core_ready.c", "rank.first = -(int64_t)place->score;", "rank.first = (int64_t)place->score;"),
    Mutation("linear_by_name", "core_ready.c", "rank.first = config->position;", "rank.first = agent->config;"),
    Mutation("turn_not_taken", "core_offer.c", "    stamp_turn(step, agent, interaction->channel);\n", ""),
    Mutation("weight_turned", "core_interaction.c", "-(int64_t)core->config->queues[data->queue].weight",
             "(int64_t)core->config->queues[data->queue].weight"),
    Mutation("priority_turned", "core_interaction.c", "data->enqueued_ms - CORE_POINT_MS * data->priority",
             "data->enqueued_ms + CORE_POINT_MS * data->priority"),
    Mutation("worst_for_an_agent_first", "core_match.c", "rank_compare(&first->rank, &best->rank) < 0",
             "rank_compare(&first->rank, &best->rank) > 0"),
    # Who is looked for, and when.
    Mutation("presence_drains_nothing", "core_agent.c", "    drain_agent(step, agent);\n}\n\nbool return_rest",
             "}\n\nbool return_rest"),
    Mutation("end_of_rest_drains_nothing", "core_agent.c", "        agent_settle(step->core, agent);\n        drain_agent(step, agent);",
             "        agent_settle(step->core, agent);"),
    Mutation("younger_work_left_waiting", "core_match.c", "    drain_agent(step, agent);\n}\n\nvoid place_quietly",
             "}\n\nvoid place_quietly"),
    Mutation("block_not_asked_at_offer", "core_match.c", "if (!has_ids(step) || shut_out(step, interaction))\n        return false;",
             "if (!has_ids(step))\n        return false;"),
    Mutation("block_withdraws_nothing", "core_step.c", "    undo_block_added(core, entry);\n    shut_out_blocked(step);",
             "    undo_block_added(core, entry);"),
    Mutation("one_blocked_of_many_is_enough", "core_event.c", "        if (!block)\n            return NULL;\n    }", "        if (block)\n            return block;\n    }"),
    Mutation("a_message_of_who_is_blocked_by_now", "core_event.c", "    if (!block)\n        block = blocked_now(step, interaction);\n", ""),
    Mutation("a_block_that_is_over", "core_step.c", "bool over = block->until_ms <= step->input->at_ms;", "bool over = false;"),
    Mutation("an_unblock_in_memory_only", "core_step.c", "    if (entry)\n        undo_block_taken(step->core, entry);\n    step->out", "    step->out"),
    # What becomes of an offer.
    Mutation("age_lost_on_return", "core_offer.c", "    step->trigger = TRIGGER_RETURNED;",
             "    step->trigger = TRIGGER_RETURNED;\n    interaction->data.enqueued_ms = step->input->at_ms;"),
    Mutation("misses_not_cleared", "core_offer.c", "        agent->data.misses = 0;\n", ""),
    Mutation("one_miss_more", "core_offer.c", "agent->data.misses >= config->misses", "agent->data.misses > config->misses"),
    Mutation("no_wrap_up", "core_offer.c", "        agent->data.wrap_until = at + wrap;", "        agent->data.wrap_until = TIME_NEVER;"),
    Mutation("cool_down_of_another_cause", "core_offer.c", "step->input->at_ms + config->cool_down_ms[cause]",
             "step->input->at_ms + config->cool_down_ms[0]"),
    Mutation("expired_one_late", "core_offer.c", "data.expires_ms = step->input->at_ms + lasts_ms",
             "data.expires_ms = step->input->at_ms + lasts_ms + 1"),
    Mutation("attempts_not_counted_up", "core_offer.c", "    interaction->data.attempts++;\n", "    interaction->data.attempts--;\n"),
    Mutation("a_shorter_wrap_up_wins", "core_offer.c", "agent->data.wrap_until < at + wrap", "agent->data.wrap_until > at + wrap"),
    Mutation("idle_from_before_the_wrap_up", "core_offer.c", "agent->data.idle_since = at + wrap;", "agent->data.idle_since = at;"),
    Mutation("misses_go_on_after_an_absence", "core_agent.c", "        agent->data.misses = 0;\n        agent->data.cool_until", "        agent->data.cool_until"),
    Mutation("an_absence_keeps_its_offers", "core_agent.c", "        return_offers(step, agent, \"offline\");\n", ""),
    Mutation("an_absence_without_grace", "core_agent.c", "        if (agent->data.grace_until == TIME_NEVER)\n            start_grace(step, agent);\n", ""),
    Mutation("grace_goes_on_for_who_is_back", "core_agent.c", "    if (input->presence != AGENT_OFFLINE)\n        agent->data.grace_until = TIME_NEVER;\n", ""),
    Mutation("a_new_customer_is_not_looked_for_again", "core_step.c", "if (!block && interaction->data.identity == IDENTITY_NEW)", "if (0)"),
    Mutation("anybody_accepts", "core_step.c", "if (!step->input->actor.len || slice_equal(step->input->actor, holder))", "if (1)"),
    Mutation("anybody_ends", "core_step.c", "    if (input->actor.len &&\n        !(active", "    if (0 &&\n        !(active"),
    # Where things stand.
    Mutation("load_not_taken_off", "core_interaction.c", "    count_load(core, interaction, -1);\n", ""),
    Mutation("offer_not_found_by_id", "core_interaction.c", "        if (!uuid_is_nil(&data->offer))\n            table_insert",
             "        if (0)\n            table_insert"),
    Mutation("no_timer_for_leases", "core_ready.c", "earliest(data->lease_until, data->grace_until)",
             "earliest(data->grace_until, data->grace_until)"),
    Mutation("no_timer_for_offers", "core_interaction.c", "        return data->expires_ms;", "        return TIME_NEVER;"),
    Mutation("timer_of_relaxation_late", "core_interaction.c", "        due = data->enqueued_ms + age;", "        due = data->enqueued_ms + age + 1;"),
    Mutation("relaxed_one_late", "lane.c", "config->relax[step].after_ms <= age_ms", "config->relax[step].after_ms < age_ms"),
    Mutation("relaxation_asks_for_more", "lane.c", "        if (level > from->items[i].level)\n            level = from->items[i].level;\n", ""),
    # Rules.
    Mutation("rules_begin_with_the_second", "core_rule.c", "struct ruling ruling = {.rule = 0};",
             "struct ruling ruling = {.rule = config->rule_count > 1};"),
    Mutation("an_error_matches", "core_rule.c", "            ruling.errors++;\n        else if", "            break;\n        else if"),
    # Ways out of queues.
    Mutation("hours_not_asked", "core_place.c", "        if (arrives && is_closed(step, interaction))\n            continue;\n", ""),
    Mutation("held_though_there_is_another_queue", "core_place.c", "if (can_go_to(step, interaction, hours->otherwise))", "if (0)"),
    Mutation("held_one_opening_late", "core_place.c", "hold(step, interaction, hours_next_open(hours, step->input->at_ms));",
             "hold(step, interaction, hours_next_open(hours, hours_next_open(hours, step->input->at_ms)));"),
    Mutation("opened_into_nothing", "core_place.c", "    interaction->data.held_until = TIME_NEVER;\n    place_relax(step->core",
             "    interaction->data.held_until = step->input->at_ms + 1000;\n    place_relax(step->core"),
    Mutation("closed_dates_not_asked", "hours.c", "    if (is_closed_day(hours, day))\n        return false;", "    if (0)\n        return false;"),
    Mutation("a_night_behind_a_closed_date", "hours.c", " && !(span->goes_on && is_closed_day(hours, day - 1))", ""),
    Mutation("hours_by_the_first_clock", "zone_table.c", "int64_t at = local_s - transition->offset_s;",
             "int64_t at = local_s - zone->transitions[0].offset_s;"),
    Mutation("a_time_that_comes_twice_is_the_second", "zone_table.c", "        if (i + 1 == zone->count || at < zone->transitions[i + 1].at_s)",
             "        if (i + 1 == zone->count || at < zone->transitions[i + 1].at_s - 3600)"),
    Mutation("overloaded_one_later", "core_place.c", "waiting < (uint32_t)queue->waiting_max ||", "waiting <= (uint32_t)queue->waiting_max ||"),
    Mutation("overflow_goes_where_empty_queues_do", "core_place.c", "move_on(step, interaction, queue->overflow, MOVE_OVERLOAD, 0);",
             "move_on(step, interaction, queue->when_empty[0] < 0 ? queue->overflow : queue->when_empty[0], MOVE_OVERLOAD, 0);"),
    Mutation("patience_since_it_came_in", "core_interaction.c", "due = earlier(due, data->entered_ms + queue->wait_max_ms);",
             "due = earlier(due, data->enqueued_ms + queue->wait_max_ms);"),
    Mutation("breaks_are_nobody_logged_in", "core_place.c", "    if (!core->queues[queue].logged_in)\n        *reason",
             "    if (!core->available[core->lanes.queues[queue].first_lane])\n        *reason"),
    Mutation("skills_not_missed", "core_place.c", "    else if (!core->available[loosest])", "    else if (0)"),
    Mutation("full_is_not_empty", "core_place.c", "    else if (!core_ready(core, loosest, interaction->channel)->count)", "    else if (0)"),
    Mutation("left_behind_by_the_last", "core_agent.c", "    place_left_by(step, agent, NULL, nothing_came);\n    drain_agent", "    drain_agent"),
    Mutation("left_behind_by_a_lost_lease", "core_agent.c", "    start_grace(step, agent);\n    place_left_by(step, agent, NULL, nothing_came);\n}", "    start_grace(step, agent);\n}"),
    Mutation("patience_goes_on_in_the_next_queue", "core_place.c", "    interaction->data.entered_ms = step->input->at_ms;\n    interaction->data.held_until = TIME_NEVER;\n    interaction_settle(step, interaction);\n}\n\nstatic void hold",
             "    interaction->data.held_until = TIME_NEVER;\n    interaction_settle(step, interaction);\n}\n\nstatic void hold"),
    Mutation("relaxed_though_moved", "core_place.c", "data->moved == MOVE_NONE && data->queue >= 0", "data->queue >= 0"),
    Mutation("queues_visited_twice", "core_place.c", "        if (step->path[i].queue == queue)\n            return false;", "        if (0)\n            return false;"),
    Mutation("who_leaves_leaves_the_worst_first", "core_place.c", "rank_compare(&node->rank, &best->rank) < 0", "rank_compare(&node->rank, &best->rank) > 0"),
    Mutation("a_reload_asks_no_hours", "core_config.c", "    place_on(step, interaction, true);", "    place_on(step, interaction, false);"),
    Mutation("a_rule_leads_into_closed_queues", "core_offer.c", "    back.arrives = interaction->data.queue != queue;\n", ""),
    Mutation("moved_with_a_new_age", "core_place.c", "    interaction->data.moved = move;", "    interaction->data.moved = move;\n    interaction->data.enqueued_ms = step->input->at_ms;"),
    # Whom the customer knows.
    Mutation("nobody_is_known", "core_prefer.c", "if (!was_asked && passes(core, interaction, agent))", "if (0)"),
    Mutation("the_owner_is_not_asked_behind_who_knows_it", "core_prefer.c", "for (enum prefer_stage stage = from; stage < PREFER_QUEUE; stage++)",
             "for (enum prefer_stage stage = from + (from == PREFER_OWNER); stage < PREFER_QUEUE; stage++)"),
    Mutation("the_oldest_of_the_customer", "core_prefer.c", "uuid_compare(&other->id, &best->id) > 0", "uuid_compare(&other->id, &best->id) < 0"),
    Mutation("last_agent_for_ever", "core_prefer.c", "> prefer->within_ms", "> INT64_MAX - 1"),
    Mutation("an_owner_s_offer_lasts_on", "core_prefer.c", "return own < usual ? own : usual;", "return usual;"),
    Mutation("the_stage_is_asked_again", "core_offer.c", "next = interaction->data.stage + 1;", "next = interaction->data.stage;"),
    Mutation("who_gave_it_away_is_asked_as_the_owner", "core_prefer.c", " || interaction->data.excluded == index)", ")"),
    # Whom people say it is about.
    Mutation("a_link_keeps_what_was_known", "core_link.c", "    interaction_own_fact(interaction, customer);\n", ""),
    Mutation("a_link_nobody_is_told_of", "core_link.c", "        step_announce(step, ANNOUNCE_CUSTOMER, interaction, holder);\n", ""),
    Mutation("a_link_to_who_is_blocked", "core_link.c", "        if (block) {", "        if (0) {"),
    Mutation("a_link_counts_for_nobody", "core_link.c", "            step->out->active_agent = holder->name;", "            ;"),
    Mutation("a_link_asks_nobody_anew", "core_link.c", "    interaction->data.is_relinked = interaction->data.state == INTERACTION_OFFERED;\n", ""),
    Mutation("a_link_goes_on_behind_the_owner", "core_offer.c", "        back.next = PREFER_SAME;", "        back.next = PREFER_LAST;"),
    Mutation("anybody_links", "core_link.c", "return !actor.len || (data->state", "return true || (data->state"),
    # First replies.
    Mutation("no_reply_is_waited_for", "core_offer.c", "interaction->data.reply_by = agent ? reply_by(", "interaction->data.reply_by = !agent ? reply_by("),
    Mutation("a_reply_is_not_noticed", "core_event.c", "step->input->event->outbound && interaction->data.reply_by != TIME_NEVER", "0"),
    Mutation("a_customer_s_message_is_a_reply", "core_event.c", "step->input->event->outbound && interaction->data.reply_by", "interaction->data.reply_by"),
    Mutation("no_timer_for_replies", "core_interaction.c", "        return data->reply_by;", "        return TIME_NEVER;"),
    Mutation("a_missed_reply_is_no_miss", "core_agent.c", "requeue_active(step, interaction, \"no_reply\")};\n    agent_miss(step, agent, REJECT_NO_ANSWER, true);",
             "requeue_active(step, interaction, \"no_reply\")};\n    agent_miss(step, agent, REJECT_NO_ANSWER, false);"),
    # Work that people move.
    Mutation("a_transfer_keeps_the_age", "core_transfer.c", "    if (!step->input->keep_age)\n        data->enqueued_ms = at;\n", ""),
    Mutation("a_transfer_loses_the_age", "core_transfer.c", "    if (!step->input->keep_age)\n", ""),
    Mutation("who_gave_it_away_gets_it_back", "core_transfer.c", "        data->excluded = data->agent;", "        data->excluded = -1;"),
    Mutation("excluded_not_asked", "core_match.c", "return interaction->data.excluded == (int)(agent - core->agents);", "return interaction->data.excluded == (int)(agent - core->agents) + 1;"),
    Mutation("a_transfer_to_an_agent_goes_to_anybody", "core_transfer.c", "        offer_to_named(step, interaction, to);\n    else\n        place_quietly",
             "        offer_to_first(step, interaction);\n    else\n        place_quietly"),
    Mutation("a_transfer_goes_where_it_was", "core_transfer.c", "        data->queue = queue;\n        data->moved = MOVE_TRANSFER;", "        data->moved = MOVE_TRANSFER;"),
    Mutation("no_wrap_up_of_who_gives", "core_transfer.c", "        release(step, holder, old_queue);", "        release(step, holder, -1);"),
    Mutation("assigned_to_the_first", "core_transfer.c", "        step->cause = \"assigned\";\n        offer_to_named(step, interaction, to);",
             "        step->cause = \"assigned\";\n        offer_to_named(step, interaction, step->core->agents[0].config < 0 ? to : &step->core->agents[0]);"),
    Mutation("a_pull_from_any_queue", "core_transfer.c", "    else if (!is_member(step->core, agent, interaction->data.queue))", "    else if (0)"),
    Mutation("a_pull_above_capacity", "core_transfer.c", "    else if (!agent_has_room(step->core, agent, interaction->channel))", "    else if (0)"),
    Mutation("pulled_for_nobody", "core_transfer.c", "    step_take(step, interaction, agent);", "    step_take(step, interaction, &step->core->agents[0]);"),
    Mutation("a_pull_of_what_is_offered", "core_transfer.c", "if (interaction->data.state != INTERACTION_QUEUED)\n        step->out->refusal = REFUSAL_TAKEN;\n    else if (!is_member",
             "if (interaction->data.state == INTERACTION_ACTIVE)\n        step->out->refusal = REFUSAL_TAKEN;\n    else if (!is_member"),
    Mutation("anybody_hands_on", "core_transfer.c", "    if (step->input->actor.len && !own)\n        step->out->refusal = REFUSAL_FORBIDDEN;\n    return !step->input->actor.len || own;", "    return own || true;"),
    Mutation("a_transfer_above_capacity", "core_transfer.c", "(to == holder || !agent_can_take(core, to, interaction->channel))", "(to == holder)"),
    Mutation("assigned_above_capacity", "core_transfer.c", "to != asked && !agent_can_take(step->core, to, interaction->channel)", "0"),
    Mutation("assigned_away_from_who_took_it", "core_transfer.c", "    else if (interaction->data.state == INTERACTION_ACTIVE)\n        step->out->refusal = REFUSAL_TAKEN;", "    else if (0)\n        step->out->refusal = REFUSAL_TAKEN;"),
    Mutation("excluded_for_ever", "core_offer.c", "    interaction->data.excluded = -1;\n", ""),
    Mutation("freed_by_a_transfer_for_the_same", "core_match.c", "    if (freed && interaction->waiting.linked)", "    if (0)"),
    Mutation("a_renewed_lease_brings_back", "core_agent.c", "    if (is_renewal(agent, input)) {", "    if (0) {"),
    Mutation("lost_with_its_offers", "core_agent.c", "    return_offers(step, agent, \"not_responding\");\n", ""),
    # Transactions.
    Mutation("undo_forgets_agents", "core_undo.c", "        undo->agent->data = undo->agent_data;\n", ""),
    Mutation("undo_forgets_interactions", "core_undo.c", "        undo->interaction->data = undo->interaction_data;\n", ""),
    Mutation("undo_forgets_the_number", "core_undo.c", "    core->seq = batch->seq_before;\n", ""),
    Mutation("stacked_batches_share_their_copies", "core_undo.c", "undo->batch == core->batches[core->batch_count - 1].number", "undo->batch > 0"),
    Mutation("configuration_forgets_in_memory_only", "core_config.c",
             "if ((names->queue.len && data->queue < 0) || (names->rule.len && data->rule < 0) || was_relaxed)", "if (0)"),
    # What is told.
    Mutation("a_number_of_an_agent_twice", "core_step.c", "++agent->data.agentsequence", "agent->data.agentsequence"),
    Mutation("coming_back_untold", "core_config.c", "        if (core->agents[i].undo) /* it came back */", "        if (0)"),
    Mutation("refused_takes_a_number", "core_step.c", "        core->seq--;\n", ""),
    Mutation("excluded_candidates_not_said", "core_explain.c", "reason == CANDIDATE_LATER && !lane->meets[i]", "0 && !lane->meets[i]"),
    Mutation("chosen_candidates_not_said", "core_explain.c", "member == chosen_config ? CANDIDATE_CHOSEN : reason", "reason"),
    Mutation("a_wait_that_was_given_up_was_served", "core_event.c", "step_waited(step, interaction, true);", "step_waited(step, interaction, false);"),
    # Handed on at the exchange.
    Mutation("exchange_not_believed", "core_event.c", "        change_hands(step, interaction, agent);", "        (void)agent;"),
    Mutation("old_news_believed", "core_event.c", "time_ms != TIME_NEVER && time_ms < since", "time_ms < 0 && time_ms < since"),
    Mutation("handed_on_at_the_exchange_without_rest", "core_transfer.c", "    release(step, holder, interaction->data.queue);\n", ""),
    Mutation("handed_on_at_the_exchange_untold", "core_transfer.c",
             "    step_announce(step, ANNOUNCE_QUEUED, interaction, holder)->cause = SLICE(\"answered\");\n", ""),
    Mutation("handed_on_at_the_exchange_drains_nothing", "core_transfer.c", "    drain_agent(step, holder);\n}\n\n/* --- Assign", "}\n\n/* --- Assign"),
]
