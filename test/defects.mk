# defects.mk - cores with one defect on purpose, which a test must notice.
