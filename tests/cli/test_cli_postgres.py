from __future__ import annotations

from running import Mount, run
from support.databases import Roles, run_sql


def test_the_doctor_is_content_with_two_roles(postgres: Roles, mount: Mount) -> None:
    """An application's role that owns nothing stands behind the wall: nothing is wrong."""
    app = mount(postgres.app, AIAGENTS_MIGRATION_URI=postgres.owner)
    result = run(app, "doctor")
    assert result.exit_code == 0, result.output
    assert "Nothing is wrong." in result.output


def test_the_doctor_advises_against_owning_the_tables(postgres: Roles, mount: Mount) -> None:
    """One role works, and the doctor names the setting for two."""
    result = run(mount(postgres.owner), "doctor")
    assert result.exit_code == 0, result.output
    assert "owns the tables" in result.output
    assert "AIAGENTS_MIGRATION_URI" in result.output


def test_the_doctor_finds_a_superuser(postgres: Roles, mount: Mount) -> None:
    """No policy binds a superuser: a problem that names the role."""
    mount(postgres.owner)
    result = run(mount(postgres.admin, migrated=False), "doctor")
    assert result.exit_code == 1
    assert "not in force: role postgres is a superuser" in result.output


def test_the_doctor_finds_a_role_that_bypasses_the_wall(postgres: Roles, mount: Mount) -> None:
    """BYPASSRLS is as good as no wall."""
    app = mount(postgres.app, AIAGENTS_MIGRATION_URI=postgres.owner)
    role = app.extensions["aiagents"].database.engine.url.username
    run_sql(postgres.admin, f"ALTER ROLE {role} BYPASSRLS")
    result = run(app, "doctor")
    assert result.exit_code == 1
    assert f"role {role} has BYPASSRLS" in result.output


def test_the_doctor_finds_a_table_outside_the_wall(postgres: Roles, mount: Mount) -> None:
    """A table whose policies are not forced is named."""
    app = mount(postgres.owner)
    run_sql(postgres.owner, "ALTER TABLE ai_agents NO FORCE ROW LEVEL SECURITY")
    result = run(app, "doctor")
    assert result.exit_code == 1
    assert "not enabled and forced" in result.output
    assert "ai_agents" in result.output
