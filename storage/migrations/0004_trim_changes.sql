-- The owner of a project drops changes of facts that it has taken over.
GRANT DELETE ON changes TO patchbay_server;
