-- What a restart needs of the complete core. How an open interaction was routed stands beside what is known of its customer, in
-- one value in the form of rules/record.h: nobody asks for its parts, and each column would cost every event.
ALTER TABLE interactions RENAME fact TO routing;

-- Round robin: the number of the last offer of each channel.
ALTER TABLE agents
    ADD turn_call bigint NOT NULL DEFAULT 0,
    ADD turn_chat bigint NOT NULL DEFAULT 0,
    ADD turn_email bigint NOT NULL DEFAULT 0;
