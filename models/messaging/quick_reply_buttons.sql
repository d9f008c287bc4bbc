-- The older guide's key, final_intent_code, quick_reply_button_text, escalated_to_chat, escalation_requested,
-- quick_reply_button_index, gives way to the newer, published one.
{{ config(materialized='dedup', unique_key=['company_id', 'company_subdivision', 'company_segments', 'final_intent_code', 'quick_reply_button_text', 'escalated_to_chat', 'escalation_requested', 'quick_reply_button_index'], order_by=['instance_ts']) }}
select * from {{ source('messaging', 'quick_reply_buttons') }}
