-- {customer, version, position, contact {label, phone, phone_key, email, email_key}, contacts_max, phone_slots, origin}: adds,
-- changes or removes one.
SELECT outcome, body, pointer FROM change_contact($1::integer, $2::text, $3::text, $4::jsonb)
